import type { Source } from './stream/outbox.ts'
import type { Tenure, Ticket } from './stream/queue.ts'
import type { Head } from './xmpp/head.ts'

/** What is remembered of a stanza that comes again. */
export interface Past {
  /** When it first came, in the clock's milliseconds. */
  readonly since: number
  /** How many instances have died with it unconfirmed. */
  readonly deaths: number
  /** Of one that is written down, and is kept until it has ended. */
  readonly ticket?: Ticket | undefined
  /** Of one that came by a link that another node may take over. */
  readonly tenure?: Tenure | undefined
  /** It has been written down and nothing else: it is treated as if it came for the first time. */
  readonly isNew?: boolean
}

/** By what the link was had that a stanza came by, now or when it came first. */
export function tenureOf(past: Past | undefined, source: Source | undefined): Tenure | undefined {
  return past === undefined ? source?.tenure : past.tenure
}

/** Where stanzas are written down before they count as read (`delivery: journal`). */
export interface Keeper {
  /** Writes the stanza in `head` down, which came at `since` of the clock; the ticket keeps it there. */
  keep(domain: string, isForServer: boolean, head: Head, since: number): Ticket
  /** Bytes that are kept, and how many that are on their way may be. */
  readonly bytes: number
  readonly limit: number
  /** Those are on their way; told once until half of them have ended. */
  noteFull(): void
  /** Calls `then` once all that was written down before is safe; at once if it is. */
  whenKept(then: () => void): void
}
