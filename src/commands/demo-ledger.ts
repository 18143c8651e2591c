/** What a user of the demo sends. */
export type Sent = 'message' | 'request'

/** What became of all that was sent, so far. Every stanza is in exactly one of the counts below `sent`. */
export interface Tally {
  readonly sent: number
  /** Messages that came back, and requests that got their result. */
  readonly answered: number
  /** Came back as an error. */
  readonly bounced: number
  /** Neither, yet. */
  readonly waiting: number
  /** Of those that wait: sent to an instance that has died, before anybody knew. */
  readonly inFlight: number
  /** Answers that came once more. */
  readonly repeated: number
  /** Messages that came back behind a later one of the same user. */
  readonly overtaken: number
  /** By the name of the instance that answered. */
  readonly byInstance: ReadonlyMap<string, number>
  /** By condition. */
  readonly bounces: ReadonlyMap<string, number>
}

/** What was sent and has not come back. */
export interface Unanswered {
  readonly id: string
  readonly user: number
  readonly kind: Sent
}

interface Entry {
  readonly user: number
  readonly number: number
  readonly kind: Sent
  inFlight: boolean
}

/** What the sender knows of every stanza that it has sent. Ids are its own: `m` or `q`, and a number. */
export class Ledger {
  /** What waits for its answer, in the order in which it was sent. */
  readonly #waiting = new Map<string, Entry>()
  /** By user: the instance that answered last, and the number of the last message that came back. */
  readonly #servedBy = new Map<number, string>()
  readonly #lastBack = new Map<number, number>()
  readonly #byInstance = new Map<string, number>()
  readonly #bounces = new Map<string, number>()
  #sent = 0
  #answered = 0
  #bounced = 0
  #repeated = 0
  #overtaken = 0

  /** The id for the next stanza of a user. */
  sent(user: number, kind: Sent): string {
    const number = ++this.#sent
    const id = `${kind === 'message' ? 'm' : 'q'}${number}`
    this.#waiting.set(id, { user, number, kind, inFlight: false })
    return id
  }

  answered(id: string, instance: string): void {
    const entry = this.#take(id)
    if (entry === undefined) return
    this.#answered++
    this.#byInstance.set(instance, (this.#byInstance.get(instance) ?? 0) + 1)
    this.#servedBy.set(entry.user, instance)
    if (entry.kind === 'request') return
    if ((this.#lastBack.get(entry.user) ?? 0) > entry.number) this.#overtaken++
    else this.#lastBack.set(entry.user, entry.number)
  }

  bounced(id: string, condition: string): void {
    if (this.#take(id) === undefined) return
    this.#bounced++
    this.#bounces.set(condition, (this.#bounces.get(condition) ?? 0) + 1)
  }

  /** An instance is dead, and the node has just noticed: what its users wait for may have been on its way to it. */
  died(instance: string): void {
    for (const entry of this.#waiting.values()) {
      if (this.#servedBy.get(entry.user) === instance) entry.inFlight = true
    }
  }

  /** Nothing waits but what was in flight to an instance that died. */
  get isSettled(): boolean {
    for (const { inFlight } of this.#waiting.values()) if (!inFlight) return false
    return true
  }

  get tally(): Tally {
    let inFlight = 0
    for (const entry of this.#waiting.values()) if (entry.inFlight) inFlight++
    return {
      ...{ sent: this.#sent, answered: this.#answered, bounced: this.#bounced, waiting: this.#waiting.size, inFlight },
      ...{ repeated: this.#repeated, overtaken: this.#overtaken },
      ...{ byInstance: this.#byInstance, bounces: this.#bounces },
    }
  }

  /** Requests without an answer; none of these may be left, dead instance or not. */
  get requestsWaiting(): number {
    let count = 0
    for (const { kind } of this.#waiting.values()) if (kind === 'request') count++
    return count
  }

  /** What these users wait for, in the order in which it was sent. */
  *waitingFor(isTheirs: (user: number) => boolean): Generator<Unanswered> {
    for (const [id, { user, kind }] of this.#waiting) if (isTheirs(user)) yield { id, user, kind }
  }

  #take(id: string): Entry | undefined {
    const entry = this.#waiting.get(id)
    if (entry === undefined) this.#repeated++
    else this.#waiting.delete(id)
    return entry
  }
}
