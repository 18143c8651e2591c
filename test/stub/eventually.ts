import { setTimeout as after } from 'node:timers/promises'

/** Between two looks, in milliseconds. */
const LOOK_MILLISECONDS = 5

/** Resolves when it holds: for a state that no event tells of. Whoever waits for ever is ended by the test's timeout. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await after(LOOK_MILLISECONDS)
}
