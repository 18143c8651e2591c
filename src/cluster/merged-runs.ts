import type { Ticket } from '../stream/queue.ts'
import type { Incarnation } from './cluster-store.ts'
import type { Run } from './entry.ts'
import type { Timing } from './timing.ts'

/** Above so many bytes what waits goes on, in the order of what is there. */
const MOST_BYTES = 4 * 1024 * 1024
/** For so many milliseconds runs go on in one turn of the event loop. */
const TURN_MILLISECONDS = 5

/**
 * What a node wrote after another of its stanzas, and is older by less than so many milliseconds, is not: its idea of the
 * time was corrected in between. What is older by more came to it from elsewhere.
 */
const CORRECTION_MILLISECONDS = 250

/** Who wrote it, and where. */
export interface Lane {
  readonly inbox: Incarnation
  readonly sender: Incarnation
}

interface Waiting {
  readonly run: Run
  readonly ticket: Ticket
  /** As `Run.since`, but for corrections. */
  readonly since: number
  /** Written down by the node that had read it, which wrote down all that it read. */
  readonly isOwn: boolean
}

export interface MergedRunsParts {
  readonly handOut: (run: Run, ticket: Ticket) => void
  /** Whether more may come that is older than what waits. */
  readonly isReading: () => boolean
  /** Nothing waits any more. */
  readonly idle: () => void
  readonly timing: Timing
}

/**
 * What several dead nodes have left of one conversation, part of it in the inbox of one and part in that of another: it
 * goes on when all has been read, in the order in which it came to the cluster.
 */
export class MergedRuns {
  readonly #parts: MergedRunsParts
  #waiting: Waiting[] = []
  #bytes = 0
  /** By lane, when the last came that waits, or went on with what waits. */
  readonly #latest = new Map<string, number>()
  #isHandingOut = false
  #isPaused = false
  #isClosed = false

  constructor(parts: MergedRunsParts) {
    this.#parts = parts
  }

  /** Whether nothing waits. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && !this.#isHandingOut
  }

  /** Its ticket is kept until it has gone on. */
  add(run: Run, ticket: Ticket, { inbox, sender }: Lane): void {
    ticket.retain()
    const lane = `${inbox} ${sender}`
    const latest = this.#latest.get(lane) ?? run.since
    const since = latest - run.since < CORRECTION_MILLISECONDS ? Math.max(latest, run.since) : run.since
    this.#latest.set(lane, Math.max(latest, since))
    this.#waiting.push({ run, ticket, since, isOwn: inbox === sender })
    this.#bytes += run.bytes.length
    if (this.#bytes > MOST_BYTES || !this.#parts.isReading()) void this.#handOut()
  }

  /** Something has been read to its end. */
  proceed(): void {
    if (!this.#parts.isReading()) void this.#handOut()
  }

  pause(): void {
    this.#isPaused = true
  }
  resume(): void {
    this.#isPaused = false
    this.proceed()
  }

  /** What waits does not go on: it stays where it was read. */
  close(): void {
    this.#isClosed = true
    this.#waiting = []
  }

  get #mayHandOut(): boolean {
    return !this.#isPaused && !this.#isClosed
  }

  async #handOut(): Promise<void> {
    if (this.#isHandingOut || this.#isClosed) return
    this.#isHandingOut = true
    const { timing, handOut, idle } = this.#parts
    let since = timing.now()
    while (this.#waiting.length > 0 && this.#mayHandOut) {
      const runs = this.#waiting.sort(byAge)
      this.#waiting = []
      this.#bytes = 0
      for (let next = runs.shift(); next !== undefined; next = runs.shift()) {
        handOut(next.run, next.ticket)
        next.ticket.release()
        if (timing.now() - since >= TURN_MILLISECONDS) {
          await new Promise<void>((resolve) => timing.soon(resolve))
          since = timing.now()
        }
        if (!this.#mayHandOut) break
      }
      this.#waiting = runs.concat(this.#waiting)
    }
    this.#isHandingOut = false
    if (!this.isIdle) return
    this.#latest.clear()
    idle()
  }
}

/** Of what came at the same time, copies come behind what is whole. */
function byAge(a: Waiting, b: Waiting): number {
  return a.since - b.since || Number(b.isOwn) - Number(a.isOwn)
}
