/** What the cluster knows of time; a simulation has one of its own. */
export interface Timing {
  /** Milliseconds of a monotonic clock. */
  now(): number
  /** Calls `run` when what has come in this turn of the event loop has been dealt with. */
  soon(run: () => void): void
  /** Calls `run` after so many milliseconds. Returns what prevents it. */
  later(run: () => void, milliseconds: number): () => void
}

export const realTiming: Timing = {
  now: () => performance.now(),
  soon: (run) => void setImmediate(run),
  later: (run, milliseconds) => {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** Resolves after so many milliseconds. */
export function pause(timing: Timing, milliseconds: number): Promise<void> {
  return new Promise((resolve) => void timing.later(resolve, milliseconds))
}
