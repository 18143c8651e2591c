/**
 * The time that the stanza path reads: milliseconds of a monotonic clock, as they were when the last tick began. Nothing
 * on that path needs it finer, and to read a real clock per stanza costs more than to route it.
 */
export interface Clock {
  readonly now: number
}

/** How often the gateway advances its clock, in milliseconds. */
export const TICK_MILLISECONDS = 100
