import type { Source } from './outbox.ts'
import { TokenBucket, type TokenRate } from './token-bucket.ts'

/** Reads a source no faster than it may be read. What has been read is dealt with, whatever it is; what comes next waits, and in the end its sender does (TCP). */
export class Shaping {
  readonly #source: Source
  readonly #rate: () => TokenRate | undefined
  readonly #paused: () => void
  readonly #bucket = new TokenBucket(() => performance.now())
  #timer: NodeJS.Timeout | undefined

  /**
   * @param rate in bytes, as it is now; undefined: any
   * @param paused told each time the source has to wait
   */
  constructor(source: Source, rate: () => TokenRate | undefined, paused: () => void) {
    this.#source = source
    this.#rate = rate
    this.#paused = paused
  }

  /** So many bytes have been read. */
  took(bytes: number): void {
    const rate = this.#rate()
    const milliseconds = rate === undefined ? 0 : this.#bucket.take(bytes, rate)
    if (milliseconds === 0 || this.#timer !== undefined) return
    this.#source.pause()
    this.#paused()
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#source.resume()
    }, milliseconds)
  }

  end(): void {
    clearTimeout(this.#timer)
  }
}
