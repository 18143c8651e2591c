import type { Outbox } from './outbox.ts'

/** What is remembered of an outbox between two looks at it. */
export interface Standstill {
  /** Its progress at the last look. */
  progress: number
  /** Since when it has kept others waiting without progress, in milliseconds of the clock; undefined when it does not. */
  since: number | undefined
}

/**
 * For how many milliseconds an outbox has been full, or kept a source paused, without progress. It may have sunk below
 * its mark and not yet far enough to let its sources go on: a peer that stops there stands still as much as any.
 */
export function standingFor(standstill: Standstill, outbox: Outbox, now: number): number {
  if (
    outbox.progress !== standstill.progress ||
    !(outbox.isFull || outbox.isPausing || isStanding(standstill, outbox))
  ) {
    standstill.progress = outbox.progress
    standstill.since = undefined
    return 0
  }
  standstill.since ??= now
  return now - standstill.since
}

/** Once it stands it does so until it moves: its sources have been let go since, and that is no progress. */
function isStanding({ since }: Standstill, outbox: Outbox): boolean {
  return since !== undefined && outbox.bytes > 0
}
