import { setTimeout as after } from 'node:timers/promises'

/** Between two looks, and in all, in milliseconds. */
const LOOK_MILLISECONDS = 5
const PATIENCE_MILLISECONDS = 20_000

/** Resolves when it holds: for a state that no event tells of. Rejects when it has not held for too long. */
export async function eventually(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MILLISECONDS
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`it never held: ${holds}`)
    await after(LOOK_MILLISECONDS)
  }
}
