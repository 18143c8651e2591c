/** One start of one node: random, so that a node that is started anew is another. */
export type Incarnation = string

/** What the cluster knows, as fields with values: see `table.ts`. */
export type Fields = ReadonlyMap<string, string>
/** Fields that change; null for one that is removed. */
export type Delta = ReadonlyMap<string, string | null>

/** What a node asks the store to write down, all of it or nothing. */
export interface Proposal {
  readonly me: Incarnation
  /** The epoch that it was worked out at: at any other it is refused. */
  readonly epoch: number
  readonly delta: Delta
  /** `me` gets its first lease with this; otherwise it must have one. Milliseconds. */
  readonly joinFor?: number
  /** Leases that end with this: each must have run out by the store's own clock. */
  readonly expired?: readonly Incarnation[]
  /** `me` leaves: its own lease ends with this. */
  readonly leaves?: boolean
}

export type Outcome =
  | { readonly kind: 'done'; readonly epoch: number }
  /** The table is of another epoch by now. */
  | { readonly kind: 'stale'; readonly epoch: number }
  /** `me` has no lease any more: others may have acted for it. */
  | { readonly kind: 'fenced' }
  /** One that was said to have expired is alive. */
  | { readonly kind: 'alive'; readonly incarnation: Incarnation }

export interface Renewal {
  /** False when `me` has no lease: it was declared dead, or the store has forgotten. */
  readonly isMember: boolean
  readonly epoch: number
  /** Who has a lease that has run out, and has not been declared dead. */
  readonly expired: readonly Incarnation[]
}

export interface Change {
  readonly epoch: number
  /** What has changed since the epoch that was asked about; or, where `isWhole`, all there is. */
  readonly delta: Delta
  readonly isWhole: boolean
}

/** An entry of an inbox. */
export interface Mail {
  /** Rises with every entry. */
  readonly id: string
  readonly bytes: Buffer
}

/** What became of an inbox that was to be closed: it was empty, and is gone; it was not there; something is in it. */
export type Closing = 'closed' | 'missing' | 'full'

/**
 * What the nodes of a cluster share. It knows nothing of what the fields mean. Every call settles in finite time; one
 * that fails may have been carried out. Time is the store's own clock, never a node's.
 */
export interface ClusterStore {
  /** Sees whether the store is fit for use; rejects with a `StoreError` that says what is wrong with it, and where. */
  open(): Promise<void>
  /** Ends the connections; what waits is rejected. */
  close(): void

  /** Milliseconds since 1970. */
  time(): Promise<number>
  /** Makes `me`'s lease last for so many milliseconds from now, if it has one: even one that has run out, unless it was ended. */
  renew(me: Incarnation, milliseconds: number): Promise<Renewal>
  commit(proposal: Proposal): Promise<Outcome>
  /** What has changed since `epoch`. All there is, when that is 0, or the store does not remember it, or is behind it. */
  changes(epoch: number): Promise<Change>
  /** Resolves when the epoch is another than `epoch`, or after so many milliseconds. */
  awaitChange(epoch: number, milliseconds: number): Promise<void>
  /**
   * For a store that has forgotten: puts the table back as it was known at `epoch`, with a lease for each of `members`,
   * at the epoch after that. False, and nothing has happened, when the store has that epoch, or a later one.
   */
  seed(epoch: number, fields: Fields, members: readonly Incarnation[], milliseconds: number): Promise<boolean>

  /**
   * Makes an inbox that nobody had. What is in one that exists stays. One that nobody opens or reads may be forgotten, after
   * longer than anything may wait in it (`hold.seconds`).
   */
  openInbox(of: Incarnation): Promise<void>
  /** Appends entries in order; false when there is no such inbox, and then nothing has been appended. */
  append(of: Incarnation, entries: readonly Buffer[]): Promise<boolean>
  /** The next entries after the id `after` ('0' for the first), in order: at most `count`; waits for one for so many milliseconds. */
  read(of: Incarnation, after: string, count: number, milliseconds: number): Promise<readonly Mail[]>
  remove(of: Incarnation, ids: readonly string[]): Promise<void>
  /** Removes an inbox if nothing is in it. */
  closeInbox(of: Incarnation): Promise<Closing>

  /** A node's answer to a cluster task; kept for a minute. */
  answer(task: string, text: string): Promise<void>
  /** The answers to a task, after the first `from` of them; waits for one for so many milliseconds. */
  answers(task: string, from: number, milliseconds: number): Promise<readonly string[]>
}

/** The store cannot be used as it is: says what, and what to do about it. Other errors pass. */
export class StoreError extends Error {
  override name = 'StoreError'
}

/** The store did not do what it was asked, or nobody knows: the connection failed, or nothing came back in time. */
export class StoreUnreachable extends Error {
  override name = 'StoreUnreachable'
  /**
   * Whether there is evidence that nobody is served there now: connections are refused or closed, or the server says
   * that it is loading or a replica. Where nothing comes back at all this is false: we may be the only one cut off.
   */
  readonly refused: boolean

  constructor(message: string, refused: boolean) {
    super(message)
    this.refused = refused
  }
}
