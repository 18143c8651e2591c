import type { NodesAnswer } from './operations.ts'

/** What a node takes of its machine, and what it is doing. */
export interface NodeUsage {
  readonly state: 'starting' | 'ready' | 'draining'
  /** The share of the last seconds that its thread was busy, 0 to 1. */
  readonly load: number
  /** Resident memory in bytes; null where it is not known. */
  readonly memory: number | null
}

export interface NodeUsagesParts {
  /** Asks all nodes for their `NodeUsage`; resolves with what those answered that did so in time. */
  readonly ask: () => Promise<NodesAnswer>
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

/** What was answered is asked again when it is older than the first, and forgotten when older than the second. Milliseconds. */
const FRESH = 2000
const STALE = 15_000

/** What the nodes take of their machines, asked of all of them when somebody wants to know, however many do. */
export class NodeUsages {
  readonly #parts: NodeUsagesParts
  readonly #known = new Map<string, { readonly at: number; readonly usage: NodeUsage }>()
  #askedAt = Number.NEGATIVE_INFINITY
  #asking: Promise<void> | undefined

  constructor(parts: NodeUsagesParts) {
    this.#parts = parts
  }

  /** By the node's name. Waits only when nothing is known yet; a node that does not answer is absent in the end. */
  async current(): Promise<ReadonlyMap<string, NodeUsage>> {
    if (this.#parts.now() - this.#askedAt >= FRESH) this.#refresh()
    if (this.#known.size === 0) await this.#asking
    const now = this.#parts.now()
    for (const [node, { at }] of this.#known) if (now - at > STALE) this.#known.delete(node)
    return new Map([...this.#known].map(([node, { usage }]) => [node, usage]))
  }

  #refresh(): void {
    if (this.#asking !== undefined) return
    this.#askedAt = this.#parts.now()
    this.#asking = this.#parts
      .ask()
      // Who cannot be asked is not known: the next one asks again.
      .catch((): NodesAnswer => ({ answers: new Map(), silent: [] }))
      .then(({ answers }) => {
        const at = this.#parts.now()
        for (const [node, answer] of answers) {
          const usage = 'value' in answer ? usageOf(answer.value) : undefined
          if (usage !== undefined) this.#known.set(node, { at, usage })
        }
        this.#asking = undefined
      })
  }
}

const states: readonly unknown[] = ['starting', 'ready', 'draining'] satisfies NodeUsage['state'][]

/** A node's answer; undefined when it is none, as of a node of another release. */
function usageOf(answer: unknown): NodeUsage | undefined {
  if (typeof answer !== 'object' || answer === null) return undefined
  const { state, load, memory } = answer as Partial<Record<keyof NodeUsage, unknown>>
  if (!states.includes(state) || typeof load !== 'number') return undefined
  return { state: state as NodeUsage['state'], load, memory: typeof memory === 'number' ? memory : null }
}
