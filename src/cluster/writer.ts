import { burial } from './burials.ts'
import type { ClusterStore, Incarnation, Outcome } from './cluster-store.ts'
import type { Draft } from './draft.ts'
import type { Known } from './known.ts'
import type { Lease } from './lease.ts'
import { noteUse } from './node-wishes.ts'
import { Proposals, type Wish } from './proposals.ts'
import type { Timers } from './timers.ts'

export interface WriterParts {
  readonly store: Pick<ClusterStore, 'commit'>
  readonly incarnation: Incarnation
  readonly known: Known
  readonly lease: Lease
  readonly now: () => number
  readonly timers: Timers
  readonly isMember: () => boolean
  /** The store knows of no lease of this node. */
  readonly fenced: () => void
  /** The store knows less than this node. */
  readonly behind: () => void
  readonly failed: (error: unknown, sent: number) => void
}

/**
 * Writes into the table what this node wants, one change after the other. What the store cannot be trusted with yet waits
 * until `soon` is called when it can be.
 */
export class Writer {
  readonly #parts: WriterParts
  readonly #proposals = new Proposals()
  #isWriting = false
  /** The table is to be read before anything is written: a change may have been carried out, or was refused. */
  #mustCatchUp = false
  #cancel: (() => void) | undefined

  constructor(parts: WriterParts) {
    this.#parts = parts
  }

  /** How many wishes wait. */
  get waiting(): number {
    return this.#proposals.size
  }

  propose(wish: Wish): Promise<void> {
    const done = this.#proposals.add(wish)
    this.soon()
    return done
  }

  /** Writes what waits after this turn. */
  soon(): void {
    if (this.#cancel !== undefined || this.#proposals.size === 0) return
    this.#cancel = this.#parts.timers.after(0, () => {
      this.#cancel = undefined
      void this.#write()
    })
  }

  /** As the senior, sees to what the dead have left. */
  async bury(expired: readonly Incarnation[]): Promise<void> {
    const { known, lease, incarnation, now } = this.#parts
    if (this.#isWriting || !lease.isSure(now())) return
    const draft = burial(known.table, expired, incarnation)
    if (draft === undefined) return
    await this.#alone(async () => {
      await this.#commit(draft, expired)
    })
  }

  /** Nothing more is written. */
  end(why: Error): void {
    this.#cancel?.()
    this.#proposals.end(why)
  }

  async #write(): Promise<void> {
    const { lease, now, isMember } = this.#parts
    if (this.#isWriting || !isMember() || !lease.isHeld(now()) || !lease.isSettled(now())) return
    await this.#alone(() => this.#writeBatch())
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    const sent = this.#parts.now()
    this.#isWriting = true
    try {
      await work()
    } catch (error) {
      this.#mustCatchUp = true
      this.#parts.failed(error, sent)
      return
    } finally {
      this.#isWriting = false
    }
    this.soon()
  }

  async #writeBatch(): Promise<void> {
    const { known, behind } = this.#parts
    if (this.#mustCatchUp || known.isDoubtful) {
      if (await known.catchUp()) this.#mustCatchUp = false
      else behind()
      // By now it may be known that nothing may be changed for a while.
      return
    }
    const batch = this.#proposals.batch(known.table)
    const { draft } = batch
    if (draft.isEmpty) return this.#proposals.done(batch)
    noteUse(draft)
    const { kind } = await this.#commit(draft, [])
    if (kind === 'done') this.#proposals.done(batch)
    if (kind === 'fenced') this.#parts.fenced()
  }

  async #commit(draft: Draft, expired: readonly Incarnation[]): Promise<Outcome> {
    const { store, incarnation, known } = this.#parts
    const { before, delta } = draft
    const outcome = await store.commit({ me: incarnation, epoch: before.epoch, delta, expired })
    if (outcome.kind === 'done') known.committed(before, delta, outcome.epoch)
    else this.#mustCatchUp = true
    return outcome
  }
}
