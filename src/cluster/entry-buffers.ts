/** What an entry's buffer has at least to be used again. */
const SMALLEST = 32 * 1024
/** What is kept for the next entries, in bytes. */
const KEPT_BYTES = 8 * 1024 * 1024

/**
 * Buffers of entries that nobody reads any more, for new ones. They are outside V8's heap: to make and to free one for each entry
 * took a sixth of a node's time, and its collector counts them as if they were garbage to be looked for.
 */
export class EntryBuffers {
  readonly #bySize = new Map<number, ArrayBufferLike[]>()
  #bytes = 0

  /** A buffer of so many bytes, with anything in it. */
  take(size: number): Buffer {
    const kept = this.#bySize.get(size)?.pop()
    if (kept === undefined) return Buffer.allocUnsafeSlow(size)
    this.#bytes -= size
    return Buffer.from(kept)
  }

  /** Whether an entry that fills so much of a buffer is to stay in it: otherwise it is copied, and weighs what it is. */
  fits(bytes: number, size: number): boolean {
    return size >= SMALLEST && bytes * 2 >= size
  }

  /** Takes back the buffer of an entry that nobody reads any more, nor any socket writes. */
  give({ buffer, byteOffset }: Buffer): void {
    const size = buffer.byteLength
    const isWhole = byteOffset === 0 && size >= SMALLEST && (size & (size - 1)) === 0
    if (!isWhole || this.#bytes + size > KEPT_BYTES) return
    const kept = this.#bySize.get(size)
    if (kept === undefined) this.#bySize.set(size, [buffer])
    else kept.push(buffer)
    this.#bytes += size
  }
}
