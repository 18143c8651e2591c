import { type RefusalReason, refusalReasons } from './counters.ts'
import { type Log, logEvent } from './log.ts'

/** Between two lines about the same reason: whoever connects again and again fills no disk. */
const QUIET_MILLISECONDS = 10_000

/** Connections that listeners closed at once: all are counted, and some of them logged. */
export class Refusals {
  readonly #log: Log
  readonly #now: () => number
  readonly #counts = new Map<RefusalReason, number>()
  /** When a line was last logged, and how many were counted by then. */
  readonly #told = new Map<RefusalReason, { readonly at: number; readonly count: number }>()

  /** @param now monotonic milliseconds */
  constructor(log: Log, now: () => number) {
    this.#log = log
    this.#now = now
    for (const reason of Object.keys(refusalReasons) as RefusalReason[]) this.#counts.set(reason, 0)
  }

  /** `fields` are of the one that is refused; a line says how many there were since the one before. */
  count(reason: RefusalReason, fields: Readonly<Record<string, unknown>>): void {
    const count = (this.#counts.get(reason) ?? 0) + 1
    this.#counts.set(reason, count)
    const told = this.#told.get(reason)
    const at = this.#now()
    if (told !== undefined && at - told.at < QUIET_MILLISECONDS) return
    this.#told.set(reason, { at, count })
    logEvent(this.#log, 'connection-refused', { reason, ...fields, count: count - (told?.count ?? 0) })
  }

  /** So far, by reason. */
  entries(): Iterable<readonly [RefusalReason, number]> {
    return this.#counts
  }
}
