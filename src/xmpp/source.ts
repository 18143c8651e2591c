import type { StreamCondition } from './stream-error.ts'

/** How a scanner left off. */
export const Step = {
  /** A piece is read; the same scanner has more to do. */
  go: 0,
  /** The bytes end inside a piece: come back with more. `pos` and the scanner remember where. */
  wait: 1,
  done: 2,
  /** The source's `error` says why. */
  fail: 3,
} as const
export type Step = (typeof Step)[keyof typeof Step]

export interface SourceError {
  readonly condition: StreamCondition
  readonly text: string
}

const SENTINEL = 0
/** Behind the last byte: the sentinel, and room so that no look ahead reads past the array's end. */
const PADDING = 16
const SMALLEST = 4096
/** A buffer above this is given back when what it grew for has passed. Two chunks of a socket fit into it. */
const KEPT = 160 * 1024

/**
 * The bytes that a scanner reads: what is pushed, behind what is not yet consumed, in one buffer.
 *
 * A sentinel stands at `stop`, so scanning loops need no comparison of positions and never read past the
 * buffer's end. Inside an element `stop` is never beyond the limit on its size: what a scanner cannot see it cannot judge,
 * so the limit fires at the same byte however the input is cut.
 */
export class Source {
  buffer: Buffer = Buffer.alloc(0)
  /** Where the element in progress begins; offsets that scanners keep count from here, so that moving bytes is free. */
  origin = 0
  /** The next byte to scan. */
  pos = 0
  /** Behind the last byte that may be scanned. */
  stop = 0
  error: SourceError | undefined = undefined
  #end = 0
  /** Whether the limit applies: from `begin` to `release`. */
  #inside = false
  /** The byte that the sentinel replaces at a `stop` before the end, or -1. */
  #covered = -1
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes pushed and not consumed. */
  get pending(): number {
    return this.#end - this.origin
  }

  /** An element has begun and not ended. */
  get isInside(): boolean {
    return this.#inside
  }

  /** The element in progress has more bytes than the limit allows. */
  get exceeded(): boolean {
    return this.stop < this.#end
  }

  /** Moves bytes: views of the buffer that were handed out end here. */
  push(chunk: Uint8Array): void {
    this.#uncover()
    const carried = this.#end - this.origin
    if (carried === 0) this.#move(0)
    if (this.#end + chunk.length + PADDING > this.buffer.length) this.#makeRoom(carried, chunk.length)
    this.buffer.set(chunk, this.#end)
    this.#end += chunk.length
    this.buffer[this.#end] = SENTINEL
    this.#cover()
  }

  /** An element begins at `at`: its limit counts from there. */
  begin(at: number): void {
    this.origin = at
    this.#inside = true
    this.#cover()
  }

  /** All before `at` is consumed, and no element is in progress. */
  release(at: number): void {
    this.#uncover()
    this.origin = at
    this.pos = at
    this.#inside = false
    this.stop = this.#end
  }

  /** Gives back a buffer that is far larger than what is left in it. */
  trim(): void {
    const carried = this.#end - this.origin
    if (this.buffer.length <= KEPT || carried > this.buffer.length >> 2) return
    this.#uncover()
    this.#reallocate(carried + PADDING)
    this.#cover()
  }

  /** Passes over all that is left. The bytes stay where they are until the next `push`: what was found may be among them. */
  forget(): void {
    this.release(this.#end)
  }

  /** Lets go of all bytes and the buffer: nothing will read them. */
  discard(): void {
    this.release(this.#end)
    this.buffer = Buffer.alloc(0)
    this.#move(0)
  }

  fail(condition: StreamCondition, text: string): typeof Step.fail {
    this.error = { condition, text }
    return Step.fail
  }

  /** The bytes end: or what may be read of them does, which is an error. */
  short(at: number): Step {
    this.pos = at
    return this.exceeded ? this.fail('policy-violation', `more than ${this.#limit} bytes in one element`) : Step.wait
  }

  /** A byte that nothing allows where it is: or the sentinel, and then it is the bytes that end. */
  unexpected(at: number, where: string): Step {
    if (at >= this.stop) return this.short(at)
    return this.fail('not-well-formed', `${describe(this.buffer[at] ?? 0)} ${where}, at byte ${at - this.origin}`)
  }

  #cover(): void {
    const fence = this.origin + this.#limit
    this.stop = this.#end
    if (!this.#inside || fence >= this.#end) return
    this.stop = fence
    this.#covered = this.buffer[fence] ?? 0
    this.buffer[fence] = SENTINEL
  }

  #uncover(): void {
    if (this.#covered < 0) return
    this.buffer[this.stop] = this.#covered
    this.#covered = -1
  }

  /** Every byte moves at most once while `origin` is not 0, and then only when the size doubles: linear in the input. */
  #makeRoom(carried: number, added: number): void {
    const needed = carried + added + PADDING
    if (needed <= this.buffer.length && this.origin > 0) {
      this.buffer.copyWithin(0, this.origin, this.#end)
      this.#move(0)
    } else {
      // Doubling, but never beyond what one element may need: that is the bound on memory.
      this.#reallocate(Math.max(needed, Math.min(2 * needed, this.#limit + added + PADDING)))
    }
  }

  #reallocate(size: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(SMALLEST, size))
    this.buffer.copy(larger, 0, this.origin, this.#end)
    this.buffer = larger
    this.#move(0)
    this.buffer[this.#end] = SENTINEL
  }

  /** The kept bytes now begin at `to`. */
  #move(to: number): void {
    const by = this.origin - to
    this.origin -= by
    this.pos -= by
    this.stop -= by
    this.#end -= by
  }
}

/** A byte for people: never a control character, never part of a character. */
function describe(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `byte 0x${byte.toString(16).padStart(2, '0')}`
}

/** A name for people: short, and without anything that could break a line of a log. */
export function printable(bytes: Buffer): string {
  return bytes.toString('utf8', 0, 64).replace(/[^\u0020-\u007E\u00A1-\uD7FF\uE000-\uFFFC]|[\u2028\u2029]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
