interface Waiting {
  readonly count: number
  readonly resolve: () => void
}

/** Who waits for a count that only grows. */
export class Milestones {
  #waiting: readonly Waiting[] = []

  /** Resolves with true once the count is so high; with false after so many milliseconds. */
  wait(count: number, milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiting = {
        count,
        resolve: () => {
          clearTimeout(deadline)
          resolve(true)
        },
      }
      const deadline = setTimeout(() => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
        resolve(false)
      }, milliseconds)
      this.#waiting = [...this.#waiting, waiting]
    })
  }

  /** The count is so high now. */
  reached(count: number): void {
    const done = this.#waiting.filter((waiting) => waiting.count <= count)
    if (done.length === 0) return
    this.#waiting = this.#waiting.filter((waiting) => !done.includes(waiting))
    for (const { resolve } of done) resolve()
  }
}
