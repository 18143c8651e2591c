/** How a node's work was taken over, in milliseconds from its death on; undefined: that never came. */
export interface Takeover {
  readonly node: string
  /** Its instances, which have others to turn to. */
  readonly instances: readonly string[]
  /** Its instances and users were connected to other nodes. */
  readonly reconnected: number | undefined
  /** The others had buried it. */
  readonly buried: number | undefined
  /** Each of its instances answered again. */
  readonly served: number | undefined
  /** From the start of its next life until that was ready; undefined, too, when it was to have none. */
  readonly restarted: number | undefined
}

type Step = 'reconnected' | 'buried' | 'served' | 'restarted'

/** Takes the times of one takeover. */
export class Stopwatch {
  readonly #node: string
  readonly #instances: readonly string[]
  readonly #steps = new Map<Step, number>()
  #from: number

  /** `now`: when the node was killed, in milliseconds of any clock that does not go back. */
  constructor(node: string, instances: readonly string[], now: number) {
    this.#node = node
    this.#instances = instances
    this.#from = now
  }

  /** A step is done; only the first time counts. True when it is that. */
  mark(step: Step, now: number): boolean {
    if (this.#steps.has(step)) return false
    this.#steps.set(step, now - this.#from)
    return true
  }

  has(step: Step): boolean {
    return this.#steps.has(step)
  }

  /** The steps that follow are measured from now on. */
  restart(now: number): void {
    this.#from = now
  }

  get result(): Takeover {
    const at = (step: Step): number | undefined => this.#steps.get(step)
    return {
      ...{ node: this.#node, instances: this.#instances, reconnected: at('reconnected'), buried: at('buried') },
      ...{ served: at('served'), restarted: at('restarted') },
    }
  }
}
