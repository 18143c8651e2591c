/** What is kept for the next time, in bytes. */
const KEPT_BYTES = 16 * 1024 * 1024

/**
 * Buffers of spent slabs, for new ones. A queue's buffers live long enough to be old when they are given up, and V8 frees
 * old ones late: without this, a node that holds 16 MiB weighs several times as much.
 */
export class SlabPool {
  readonly #bySize = new Map<number, Buffer[]>()
  #bytes = 0

  /** A buffer of `size` bytes, with anything in it. */
  take(size: number): Buffer {
    const buffer = this.#bySize.get(size)?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size)
    this.#bytes -= size
    return buffer
  }

  /** Takes back a buffer that nobody reads any more. */
  give(buffer: Buffer): void {
    const size = buffer.length
    if (this.#bytes + size > KEPT_BYTES) return
    const kept = this.#bySize.get(size)
    if (kept === undefined) this.#bySize.set(size, [buffer])
    else kept.push(buffer)
    this.#bytes += size
  }
}
