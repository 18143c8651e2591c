/** What befell a node, or Redis; times in microseconds of the machine's monotonic clock. */
export interface Trouble {
  /** The node's name, or Redis. */
  readonly of: string
  readonly kind: 'kill' | 'freeze' | 'pause' | 'stop'
  readonly from: number
  /** When it was over; undefined while it lasts. */
  to: number | undefined
}

/** One start of a node. */
export interface NodeLife {
  readonly node: string
  readonly number: number
  readonly troubles: Trouble[]
}

/** One connection between a node and the XMPP server, as who stands between them sees it. */
export interface Crossing {
  /** Whose it is. */
  readonly life: NodeLife
  /** Stanzas that went to the node. */
  passed: number
  /** How many of them, from the first, the node has proven to have read. */
  confirmed: number
  ended: number | undefined
}

/** By which connection a stanza came to Switchyard, and as the how manieth. */
export interface Passage {
  readonly crossing: Crossing
  readonly position: number
  readonly time: number
}

export function isConfirmed({ crossing, position }: Passage): boolean {
  return position <= crossing.confirmed
}
