/**
 * Cuts one direction of a component's stream into what may be left out or have something put before it without harm: the
 * header, each first-level element, the footer. Like `Scanner` it knows only what the campaign and real servers write.
 */
export class Cutter {
  readonly #take: (unit: string) => void
  #text = ''
  #at = 0
  #depth = 0

  /** `take`: with the unit as latin1, so that its bytes can be had again. */
  constructor(take: (unit: string) => void) {
    this.#take = take
  }

  /** What has come of a unit that is not complete. */
  get rest(): string {
    return this.#text
  }

  push(chunk: Buffer): void {
    this.#text += chunk.toString('latin1')
    for (;;) {
      const start = this.#text.indexOf('<', this.#at)
      const end = start < 0 ? -1 : this.#text.indexOf('>', start)
      if (end < 0) {
        this.#at = start < 0 ? this.#text.length : start
        return
      }
      this.#at = end + 1
      if (this.#isEnd(start, end)) this.#cut()
    }
  }

  /** Whether the tag from `start` to `end` ends a unit. */
  #isEnd(start: number, end: number): boolean {
    const text = this.#text
    if (text[start + 1] === '?') return false
    if (text[start + 1] === '/') this.#depth--
    else if (text[end - 1] !== '/') {
      this.#depth++
      return this.#depth === 1
    }
    return this.#depth <= 1
  }

  #cut(): void {
    const unit = this.#text.slice(0, this.#at)
    this.#text = this.#text.slice(this.#at)
    this.#at = 0
    this.#take(unit)
  }
}
