import type { Incarnation } from './cluster-store.ts'

/** Whom stanzas that travel between nodes are for, and so whose order is kept: an instance, or a domain's server. */
export interface Destination {
  readonly domain: string
  /** The instance's name; undefined for the domain's server, by the link of the node that the entry goes to. */
  readonly instance: string | undefined
}

/** Stanzas for one destination, one after the other, as they came. */
export interface Run {
  readonly kind: 'run'
  readonly to: Destination
  /** When they came, in milliseconds since 1970. */
  readonly since: number
  /** How many instances have died with them unconfirmed. */
  readonly deaths: number
  /** How many times they have gone from one node to another. */
  readonly hops: number
  /** How many stanzas `bytes` is. */
  readonly stanzas: number
  readonly bytes: Buffer
}

/** Asks to be told (`Confirm`) when all runs before it, of this sender for this destination, have ended. */
export interface Barrier {
  readonly kind: 'barrier'
  readonly to: Destination
  readonly number: number
}
export interface Confirm {
  readonly kind: 'confirm'
  readonly to: Destination
  readonly number: number
}
/** A request that was passed on has been answered, or given up by whoever had it: `key` says which (`requests.ts`). */
export interface Answered {
  readonly kind: 'answered'
  readonly to: Destination
  readonly key: string
}
/** Anything that is not a stanza: adverts, cluster tasks. `text` is JSON. */
export interface News {
  readonly kind: 'news'
  readonly topic: string
  readonly text: string
}
export type Item = Run | Barrier | Confirm | Answered | News

/** What stands before the items. Of the same form in all releases, so that order is kept where items cannot be read. */
export interface Heading {
  readonly sender: Incarnation
  /** Counts the sender's entries for this inbox, from 1; the same when it is sent again. */
  readonly number: number
  /** Has no number of its own, and is not sent again: `number` is that of the sender's last entry before it. */
  readonly isNote: boolean
  /** The highest number of an entry of the reader's that the sender has taken from its own inbox. */
  readonly taken: number
  /** The sender wants to know what the reader has taken. */
  readonly isAsking: boolean
  /** Entries after `taken` have not come to the sender: the reader is to send them again. */
  readonly isMissing: boolean
}

/** What one write to an inbox is: up to 512 stanzas, or 256 KiB, and what fills it; or one stanza that is larger. */
export interface Entry extends Heading {
  readonly items: readonly Item[]
}
