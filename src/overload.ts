import { type Log, logEvent } from './log.ts'

/** Who is read, and can be left unread for a while. */
export interface Readable {
  pause(): void
  resume(): void
}

export interface OverloadParts {
  /** Resident memory in bytes; null where it is not known. */
  readonly memory: () => number | null
  readonly limits: () => { readonly memory_bytes?: number }
  /** All that is read now. */
  readonly sources: () => Iterable<Readable>
  readonly log: Log
}

/** 0: none; 1: no new connections; 2: and who sends is read only some of the time. */
export type OverloadLevel = 0 | 1 | 2

/** Where a level begins, and where it ends again: shares of `limits.memory_bytes`. The distance keeps it from flickering. */
const marks = { 1: { begins: 0.8, ends: 0.7 }, 2: { begins: 1, ends: 0.9 } } as const

/**
 * Of so many ticks sources are read in one. Never in none: what frees memory is read, too (confirmations), and a heap that is
 * left alone is not collected.
 */
const TICKS_PER_READING = 5

/** Keeps the node within its memory: first it takes nobody new, then it reads less, and TCP slows down those who send. */
export class Overload {
  readonly #parts: OverloadParts
  #level: OverloadLevel = 0
  #tick = 0
  #paused: readonly Readable[] = []

  constructor(parts: OverloadParts) {
    this.#parts = parts
  }

  get level(): OverloadLevel {
    return this.#level
  }

  /** To be called ten times a second. */
  tick(): void {
    this.#look()
    const rests = this.#level === 2 && ++this.#tick % TICKS_PER_READING !== 0
    if (rests && this.#paused.length === 0) {
      this.#paused = [...this.#parts.sources()]
      for (const source of this.#paused) source.pause()
    } else if (!rests) this.#resume()
  }

  #look(): void {
    const most = this.#parts.limits().memory_bytes
    const memory = most === undefined ? null : this.#parts.memory()
    const level = most === undefined || memory === null ? 0 : next(this.#level, memory / most)
    if (level === this.#level) return
    const code = level === 0 ? 'overload-over' : 'overload'
    logEvent(this.#parts.log, code, { level, memory, limit: most })
    this.#level = level
  }

  #resume(): void {
    const paused = this.#paused
    this.#paused = []
    for (const source of paused) source.resume()
  }
}

function next(level: OverloadLevel, share: number): OverloadLevel {
  if (share >= (level === 2 ? marks[2].ends : marks[2].begins)) return 2
  return share >= (level >= 1 ? marks[1].ends : marks[1].begins) ? 1 : 0
}
