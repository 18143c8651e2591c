/** Turns a count that grows into how much it grew in the last second. */
export class PerSecond {
  /** What was read when, oldest first; one of them is a second old or older. */
  #samples: readonly { readonly time: number; readonly count: number }[] = []

  /** The rate now; `time` in milliseconds of any clock that does not go back. */
  at(time: number, count: number): number {
    const samples = [...this.#samples, { time, count }]
    const recent = samples.findLastIndex((sample) => time - sample.time >= 1000)
    this.#samples = samples.slice(Math.max(recent, 0))
    const [oldest] = this.#samples
    if (oldest === undefined || oldest.time === time) return 0
    return Math.round(((count - oldest.count) * 1000) / (time - oldest.time))
  }
}
