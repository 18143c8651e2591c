/** What is kept for the next time, in bytes. */
const KEPT_BYTES = 16 * 1024 * 1024
/** A buffer above this, in bytes, was for one large stanza: of those no more than a quarter of it all. */
const USUAL_BYTES = 64 * 1024
const LARGE_KEPT_BYTES = KEPT_BYTES / 4

/**
 * Buffers of spent slabs, for new ones. A queue's buffers live long enough to be old when they are given up, and V8 frees
 * old ones late: without this, a node that holds 16 MiB weighs several times as much.
 */
export class SlabPool {
  readonly #bySize = new Map<number, Buffer[]>()
  #bytes = 0
  #largeBytes = 0

  /** A buffer of `size` bytes, with anything in it. */
  take(size: number): Buffer {
    const buffer = this.#bySize.get(size)?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size)
    this.#count(-size)
    return buffer
  }

  /** Takes back a buffer that nobody reads any more. */
  give(buffer: Buffer): void {
    const size = buffer.length
    if (this.#bytes + size > KEPT_BYTES) return
    if (size > USUAL_BYTES && this.#largeBytes + size > LARGE_KEPT_BYTES) return
    const kept = this.#bySize.get(size)
    if (kept === undefined) this.#bySize.set(size, [buffer])
    else kept.push(buffer)
    this.#count(size)
  }

  #count(bytes: number): void {
    this.#bytes += bytes
    if (Math.abs(bytes) > USUAL_BYTES) this.#largeBytes += bytes
  }
}
