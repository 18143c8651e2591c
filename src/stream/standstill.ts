import type { Outbox } from './outbox.ts'

/** What is remembered of an outbox between two looks at it. */
export interface Standstill {
  /** Its progress at the last look. */
  progress: number
  /** Since when it has been full without progress, in milliseconds of the clock; undefined when it is not. */
  since: number | undefined
}

/** For how many milliseconds a full outbox has been making no progress; 0 when it is not full, or moves. */
export function standingFor(standstill: Standstill, outbox: Outbox, now: number): number {
  if (!outbox.isFull || outbox.progress !== standstill.progress) {
    standstill.progress = outbox.progress
    standstill.since = undefined
    return 0
  }
  standstill.since ??= now
  return now - standstill.since
}
