import { parseName } from '../chaos/wire.ts'

/** A stanza whose end has not been seen. */
interface Open {
  readonly isRequest: boolean
  isDelivered: boolean
  /** A link was reset while its answer was due, so that the answer may be lost between server and kernel. */
  isExcused: boolean
}

export interface TallyTotals {
  readonly sent: number
  /** Each stanza counts once, however often it came. */
  readonly delivered: number
  readonly duplicates: number
  readonly answered: number
  /** By condition. */
  readonly bounced: Readonly<Record<string, number>>
  /** Ends that came after the end: an error for what an instance has read, or a second answer. */
  readonly endedTwice: number
  readonly reordered: number
  /** Neither delivered nor bounced. */
  readonly lost: number
  /** Delivered requests without an answer. */
  readonly unanswered: number
  /** Of those, the ones whose answer may have died with a link that was reset on purpose. */
  readonly excused: number
  /** Names of stanzas that are lost, unanswered or out of order: the first few. */
  readonly examples: readonly string[]
}

const EXAMPLES = 20

/**
 * What became of numbered stanzas, in memory that does not grow with their number: only those without an end are kept,
 * and for each key the last that came. Names are those of the campaigns (`nameOf`).
 */
export class Tally {
  readonly #open = new Map<string, Open>()
  readonly #latest = new Map<string, number>()
  readonly #bounced = new Map<string, number>()
  readonly #examples: string[] = []
  #sent = 0
  #delivered = 0
  #duplicates = 0
  #answered = 0
  #endedTwice = 0
  #reordered = 0
  #lastChange = performance.now()

  /** Stanzas without an end. */
  get open(): number {
    return this.#open.size
  }
  /** Milliseconds since anything was told. */
  get quiet(): number {
    return performance.now() - this.#lastChange
  }

  send(name: string): void {
    const { kind } = parseName(name)
    this.#sent++
    this.#open.set(name, { isRequest: kind === 'get' || kind === 'set', isDelivered: false, isExcused: false })
  }

  /** An instance has read it. */
  deliver(name: string): void {
    this.#lastChange = performance.now()
    const open = this.#open.get(name)
    if (open === undefined || open.isDelivered) {
      this.#duplicates++
      return
    }
    this.#delivered++
    open.isDelivered = true
    if (!open.isRequest) this.#open.delete(name)
    this.#order(name)
  }

  /** The server has read an answer: `result`, or the condition of an error. */
  answer(name: string, answer: string): void {
    this.#lastChange = performance.now()
    if (!this.#open.delete(name)) {
      this.#endedTwice++
      return
    }
    if (answer === 'result') this.#answered++
    else this.#bounced.set(answer, (this.#bounced.get(answer) ?? 0) + 1)
  }

  /** A link is reset on purpose: answers that are due may be lost with it. */
  excuse(): void {
    for (const open of this.#open.values()) if (open.isRequest) open.isExcused = true
  }

  totals(): TallyTotals {
    const open = [...this.#open]
    const lost = open.filter(([, { isDelivered }]) => !isDelivered)
    const unanswered = open.filter(([, { isDelivered }]) => isDelivered)
    return {
      ...{ sent: this.#sent, delivered: this.#delivered, duplicates: this.#duplicates, answered: this.#answered },
      ...{ bounced: Object.fromEntries(this.#bounced), endedTwice: this.#endedTwice, reordered: this.#reordered },
      lost: lost.length,
      unanswered: unanswered.length,
      excused: unanswered.filter(([, { isExcused }]) => isExcused).length,
      examples: [...this.#examples, ...[...lost, ...unanswered].slice(0, EXAMPLES).map(([name]) => name)],
    }
  }

  #order(name: string): void {
    const { key, sequence } = parseName(name)
    const latest = this.#latest.get(key) ?? 0
    if (sequence > latest) this.#latest.set(key, sequence)
    else {
      this.#reordered++
      if (this.#examples.length < EXAMPLES) this.#examples.push(`${name} after ${latest}`)
    }
  }
}

/** What became of the instances' own requests. */
export interface AskedTotals {
  readonly sent: number
  readonly answered: number
  /** Its instance was gone before the answer came. */
  readonly askerGone: number
  /** A link was reset on purpose while it was on its way. */
  readonly excused: number
  readonly misdirected: number
  readonly unanswered: number
}

/** The requests that instances send, by their ids, each with the life of the instance that asked. */
export class Questions {
  readonly #open = new Map<string, { readonly by: object; isExcused: boolean }>()
  #sent = 0
  #answered = 0
  #askerGone = 0
  #misdirected = 0

  get open(): number {
    return this.#open.size
  }

  ask(name: string, by: object): void {
    this.#sent++
    this.#open.set(name, { by, isExcused: false })
  }

  answer(name: string, to: object): void {
    const question = this.#open.get(name)
    this.#open.delete(name)
    if (question?.by === to) this.#answered++
    else this.#misdirected++
  }

  /** The stream of who asked has ended. */
  gone(by: object): void {
    for (const [name, question] of this.#open) {
      if (question.by !== by) continue
      this.#open.delete(name)
      this.#askerGone++
    }
  }

  excuse(): void {
    for (const question of this.#open.values()) question.isExcused = true
  }

  totals(): AskedTotals {
    const excused = [...this.#open.values()].filter(({ isExcused }) => isExcused).length
    return {
      ...{ sent: this.#sent, answered: this.#answered, askerGone: this.#askerGone, misdirected: this.#misdirected },
      ...{ excused, unanswered: this.#open.size - excused },
    }
  }
}
