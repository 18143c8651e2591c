import type { Keeper } from '../../src/past.ts'
import type { Ticket } from '../../src/stream/queue.ts'
import type { Head } from '../../src/xmpp/head.ts'

/** A ticket that counts who carries it. */
export function ticket(fields: Partial<Ticket> = {}) {
  const counts = { carried: 0, asked: 0, answered: [] as string[] }
  const made: Ticket = {
    retain: () => void counts.carried++,
    release: () => void counts.carried--,
    asked: () => void counts.asked++,
    unasked: () => void counts.asked--,
    answered: (key) => void counts.answered.push(key),
    ...fields,
  }
  return { counts, ticket: made }
}

/** Writes nothing down before the test says so. */
export class SlowKeeper implements Keeper {
  readonly kept: string[] = []
  readonly counts = ticket()
  bytes = 0
  limit = 1000
  /** How often it was said to be full. */
  fulls = 0
  #waiting: (() => void)[] = []

  keep(_domain: string, isForServer: boolean, head: Head, since: number): Ticket {
    this.kept.push(`${head.text(head.idStart, head.idEnd)} ${isForServer ? 'out' : 'in'} ${since}`)
    return this.counts.ticket
  }
  noteFull(): void {
    this.fulls++
  }
  whenKept(then: () => void): void {
    this.#waiting.push(then)
  }
  write(): void {
    for (const then of this.#waiting.splice(0)) then()
  }
}
