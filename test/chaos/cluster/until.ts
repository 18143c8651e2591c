import { setTimeout as delay } from 'node:timers/promises'

const LOOK_MS = 10

/** Resolves when it holds; rejects, with `what`, when it has not within so many milliseconds. */
export async function until(what: string, holds: () => boolean, within = 30_000): Promise<void> {
  const deadline = performance.now() + within
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`it never came to be that ${what}`)
    await delay(LOOK_MS)
  }
}
