import { admit } from './admission.ts'
import type { ClusterStore, Incarnation, Renewal } from './cluster-store.ts'
import { Draft } from './draft.ts'
import { isMemberOf, Known, type TableChange } from './known.ts'
import { Lease, type Timing, usualTiming } from './lease.ts'
import { MembershipEnded } from './membership-errors.ts'
import { leaveNode } from './node-wishes.ts'
import type { Wish } from './proposals.ts'
import { type Reach, reachOf } from './reach.ts'
import type { NodeFacts } from './records.ts'
import type { Table } from './table.ts'
import type { Timers } from './timers.ts'
import { Writer } from './writer.ts'

export interface MembershipEvents {
  /** The table has become another. */
  changed(change: TableChange): void
  /** The others go on without this node: all that it had is somebody else's. Called once. */
  lost(why: string): void
  reach(reach: Reach): void
  /** This node has put back what the store had forgotten, as this epoch. */
  restored(epoch: number): void
}

export interface MembershipParts {
  readonly store: ClusterStore
  readonly incarnation: Incarnation
  readonly facts: NodeFacts
  /** Milliseconds of a clock that never goes back, and goes on while the process is stopped. */
  readonly now: () => number
  readonly timers: Timers
  readonly timing?: Partial<Timing>
  readonly events: MembershipEvents
}

/** How often a store that refuses is tried, in parts of a heartbeat: what it does not know is put back soon after it is there. */
const REFUSED_BEAT = 1 / 4

type State = 'new' | 'joining' | 'member' | 'leaving' | 'ended'

/** One life of a node in the cluster: says that it lives, follows the table, changes it, and buries the dead. */
export class Membership {
  readonly #parts: MembershipParts
  readonly #timing: Timing
  readonly #lease: Lease
  readonly #known: Known
  readonly #writer: Writer
  readonly #waits = new Map<() => void, () => void>()
  #state: State = 'new'
  #reach: Reach = 'up'
  #isBeating = false
  #isAttending = false
  #cancelBeat: (() => void) | undefined

  constructor(parts: MembershipParts) {
    this.#parts = parts
    this.#timing = { ...usualTiming, ...parts.timing }
    this.#lease = new Lease(this.#timing)
    const { store, incarnation, now, timers } = parts
    this.#known = new Known({ store, changed: (change) => this.#changed(change) })
    this.#writer = new Writer({
      ...{ store, incarnation, now, timers, known: this.#known, lease: this.#lease },
      isMember: () => this.#state === 'member',
      fenced: () => void this.#beat(),
      behind: () => this.#behind(),
      failed: (error, sent) => {
        this.#failed(error, sent)
        this.#beat()
      },
    })
  }

  get table(): Table {
    return this.#known.table
  }
  /**
   * Whether this node may act on what the table says is its own. Asked anew each time: it ends without a word. It ends with
   * `leave`, too: what others do once they have heard of it may come before its answer.
   */
  get isHeld(): boolean {
    return this.#state === 'member' && this.#lease.isHeld(this.#parts.now())
  }
  /** Whether others may act for this node by now, as it has not been heard of for so long; not so once it leaves. */
  get isForfeit(): boolean {
    return this.#state === 'member' && this.#lease.isForfeit(this.#parts.now())
  }
  /** When it ends, by this node's clock, if nothing is heard of the store. */
  get heldUntil(): number {
    return this.#lease.until
  }
  /** How many changes wait for the store. */
  get waiting(): number {
    return this.#writer.waiting
  }

  /** Resolves when this node is a member. Rejects when it cannot be; after an error that passes it may be called again. */
  async join(): Promise<void> {
    if (this.#state !== 'new') throw new Error(`a membership that is ${this.#state} cannot join`)
    this.#state = 'joining'
    const { store, incarnation, facts, now } = this.#parts
    const pause = (milliseconds: number): Promise<void> => this.#pause(milliseconds)
    try {
      await admit({
        ...{ store, incarnation, facts, now, pause },
        ...{ known: this.#known, lease: this.#lease, timing: this.#timing },
      })
    } catch (error) {
      if (this.#isState('joining')) this.#state = 'new'
      throw error
    }
    if (!this.#isState('joining')) throw new MembershipEnded('it was stopped')
    this.#state = 'member'
    this.#beatAfter(this.#timing.heartbeat)
    this.#follow()
    this.#writer.soon()
  }

  /**
   * Asks for a change of the table; resolves when it is in it. What is asked for in one turn is written down together.
   * Waits while the store is away; rejects when the membership has ended.
   */
  propose(wish: Wish): Promise<void> {
    if (this.#state === 'leaving') return Promise.reject(new MembershipEnded('it is leaving'))
    return this.#writer.propose(wish)
  }

  /** Leaves in order; what could not be written down before is given up. Rejects when the store cannot be told: then others find out. */
  async leave(): Promise<void> {
    if (this.#state !== 'member') return this.stop()
    this.#state = 'leaving'
    try {
      await this.#leave(this.#parts.now() + this.#timing.lease)
    } finally {
      this.#end('it has left')
    }
  }

  /** Ends at once, without a word to the store. */
  stop(): void {
    this.#end('it was stopped')
  }

  async #leave(deadline: number): Promise<void> {
    const { store, incarnation, now } = this.#parts
    const closing = await store.closeInbox(incarnation)
    while (!this.#isState('ended')) {
      const { table } = this.#known
      const draft = new Draft(table)
      leaveNode(draft, incarnation, { estate: closing === 'full' })
      const outcome = await store.commit({ me: incarnation, epoch: table.epoch, delta: draft.delta, leaves: true })
      if (outcome.kind === 'done' || outcome.kind === 'fenced') return
      if (now() > deadline) throw new Error('the table changes faster than this node can leave')
      await this.#known.catchUp()
    }
  }

  #changed(change: TableChange): void {
    this.#noteMemory(change)
    this.#parts.events.changed(change)
    if (this.#state !== 'member' || isMemberOf(change.table, this.#parts.incarnation)) return
    this.#lose('it is not in the table any more')
  }

  /** A store that knew nothing a while ago may have known more before, and so may others. */
  #noteMemory({ before, table }: TableChange): void {
    const now = this.#parts.now()
    if (table.isNew && !before.isNew) this.#lease.quiet(now, this.#timing.grace)
    else if (before.isNew && !table.isNew) this.#lease.endQuiet()
    if (table.seeded === table.epoch && before.epoch !== table.epoch) this.#lease.quiet(now, this.#timing.lease)
  }

  /** Says that it lives, and looks at what the store says to that. */
  async #beat(): Promise<void> {
    if (this.#isBeating || !this.#isIn) return
    this.#isBeating = true
    this.#cancelBeat?.()
    const { store, incarnation, now } = this.#parts
    const sent = now()
    const { epoch } = this.#known.table
    try {
      const renewal = await store.renew(incarnation, this.#timing.lease)
      if (!this.#isIn) return
      this.#lease.answered(sent)
      this.#reached('up')
      await this.#renewed(renewal, epoch, sent)
    } catch (error) {
      this.#failed(error, sent)
    } finally {
      this.#isBeating = false
      const pace = this.#reach === 'refused' ? REFUSED_BEAT : 1
      this.#beatAfter(Math.max(0, sent + this.#timing.heartbeat * pace - now()))
    }
  }

  async #renewed(renewal: Renewal, known: number, sent: number): Promise<void> {
    if (renewal.epoch < known) return this.#restore(renewal, sent)
    if (!renewal.isMember) return this.#lose('it was not heard of for too long, and declared dead')
    const lease = this.#lease
    if (lease.isHeld(this.#parts.now())) {
      lease.renewed(sent)
      // With a slow store that takes longer than the lease may wait for the next beat.
      void this.#attend(renewal)
      return
    }
    // It may have slept through anything: it acts again when it knows what is so now.
    this.#known.doubt()
    if (!(await this.#known.catchUp())) return this.#behind()
    // A store that was put back to what it was a while ago may take for a member who was buried since.
    if (!this.#isIn || !lease.isSettled(this.#parts.now())) return
    lease.renewed(sent)
    await this.#attend(renewal)
  }

  /** Catches up with what the store had at a renewal, and sees to the dead; what is left of that is the next renewal's. */
  async #attend({ epoch, expired }: Renewal): Promise<void> {
    if (this.#isAttending) return
    this.#isAttending = true
    const sent = this.#parts.now()
    try {
      if (this.#known.isDoubtful || epoch > this.table.epoch) {
        if (!(await this.#known.catchUp())) return this.#behind()
      }
      if (!this.#isIn) return
      this.#writer.soon()
      await this.#writer.bury(expired)
    } catch (error) {
      this.#failed(error, sent)
    } finally {
      this.#isAttending = false
    }
  }

  /** The store has forgotten what this node knows. */
  async #restore({ isMember, epoch }: Renewal, sent: number): Promise<void> {
    const lease = this.#lease
    lease.trouble()
    const isHeld = lease.isHeld(this.#parts.now())
    // One that was away for long would put back what was over long ago.
    if (!isHeld && !isMember && epoch > 0) return this.#lose('it was not heard of for too long')
    const { table } = this
    const isRestored = await this.#known.restore([...table.nodes.keys()], this.#timing.lease)
    if (isRestored) this.#parts.events.restored(table.epoch + 1)
    if (!isRestored) {
      this.#known.doubt()
      await this.#known.catchUp()
    } else if (isHeld && this.#isIn) lease.renewed(sent)
  }

  async #follow(): Promise<void> {
    const { store, now } = this.#parts
    while (this.#isIn) {
      const sent = now()
      try {
        await store.awaitChange(this.table.epoch, this.#timing.heartbeat)
        if (!this.#isIn) return
        if (await this.#known.catchUp()) continue
        this.#behind()
        await this.#pause(this.#timing.heartbeat * REFUSED_BEAT).catch(() => undefined)
      } catch (error) {
        this.#failed(error, sent)
        this.#beat()
        await this.#pause(this.#timing.heartbeat * REFUSED_BEAT).catch(() => undefined)
      }
    }
  }

  /** The store knows less than this node: the next renewal sees to it. */
  #behind(): void {
    this.#lease.trouble()
    this.#beat()
  }

  #failed(error: unknown, sent: number): void {
    if (!this.#isIn) return
    const reach = reachOf(error)
    // Whatever has been broken off, another store may stand in this one's place by now.
    this.#known.doubt()
    if (reach === 'refused') this.#lease.refused(sent, this.#parts.now())
    else this.#lease.trouble()
    this.#reached(reach)
  }

  #reached(reach: Reach): void {
    if (this.#reach === reach) return
    this.#reach = reach
    this.#parts.events.reach(reach)
  }

  #beatAfter(milliseconds: number): void {
    this.#cancelBeat?.()
    if (!this.#isIn) return
    this.#cancelBeat = this.#parts.timers.after(milliseconds, () => void this.#beat())
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'ended') return reject(new MembershipEnded('it was stopped'))
      const cancel = this.#parts.timers.after(milliseconds, () => {
        this.#waits.delete(cancel)
        resolve()
      })
      this.#waits.set(cancel, () => reject(new MembershipEnded('it was stopped')))
    })
  }

  /** A way to ask again: it may have become another while something was awaited. */
  #isState(state: State): boolean {
    return this.#state === state
  }
  get #isIn(): boolean {
    return this.#state === 'member' || this.#state === 'leaving'
  }

  #lose(why: string): void {
    const wasMember = this.#state === 'member'
    this.#end(why)
    if (wasMember) this.#parts.events.lost(why)
  }

  #end(why: string): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#cancelBeat?.()
    for (const [cancel, reject] of this.#waits) {
      cancel()
      reject()
    }
    this.#waits.clear()
    this.#writer.end(new MembershipEnded(why))
  }
}
