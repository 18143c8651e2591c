import { percentile } from '../statistics.ts'

export interface Latencies {
  readonly sent: number
  readonly received: number
  /** Milliseconds from when it should have been sent to when its answer was read. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/**
 * An open loop: item n is due n / rate seconds after the start, whatever became of those before it, and its latency
 * counts from when it was due. So a stall of the server, or of this process, shows in all that it delayed, and is not
 * left out together with the items that a closed loop would not have sent meanwhile.
 */
export class Pace {
  readonly #rate: number
  readonly #due: Float64Array
  readonly #latency: Float64Array
  readonly #warmUp: number
  #sent = 0
  #received = 0

  /** @param warmUp seconds whose items do not count */
  constructor(rate: number, warmUp: number, seconds: number) {
    this.#rate = rate
    this.#due = new Float64Array(Math.ceil(rate * (warmUp + seconds)))
    this.#latency = new Float64Array(this.#due.length).fill(Number.NaN)
    this.#warmUp = Math.floor(rate * warmUp)
  }

  /** Has `send` write the items, first to last, that are due; resolves when the last one was. Spins: it has the core. */
  run(send: (first: number, end: number) => void): Promise<void> {
    const start = performance.now()
    return new Promise((resolve) => {
      const turn = () => {
        const end = Math.min(this.#due.length, Math.floor(((performance.now() - start) * this.#rate) / 1000) + 1)
        const first = this.#sent
        for (let item = first; item < end; item++) this.#due[item] = start + (item * 1000) / this.#rate
        this.#sent = end
        if (end > first) send(first, end)
        if (end === this.#due.length) resolve()
        else setImmediate(turn)
      }
      turn()
    })
  }

  arrived(item: number): void {
    const due = this.#due[item]
    if (due === undefined) return
    this.#latency[item] = performance.now() - due
    this.#received++
  }

  get isComplete(): boolean {
    return this.#received >= this.#due.length
  }

  latencies(): Latencies {
    const sorted = this.#latency
      .slice(this.#warmUp)
      .filter((value) => !Number.isNaN(value))
      .sort()
    const at = (share: number) => percentile(sorted, share)
    const counted = { sent: this.#due.length - this.#warmUp, received: sorted.length }
    return { ...counted, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) }
  }
}
