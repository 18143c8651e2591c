import {
  type Change,
  type Closing,
  type ClusterStore,
  type Delta,
  type Fields,
  type Incarnation,
  type Mail,
  type Outcome,
  type Proposal,
  type Renewal,
  StoreUnreachable,
} from '../../src/cluster/cluster-store.ts'
import type { Scheduler } from './simulation-scheduler.ts'

/** Rules that the store may be made to break, to see that the checks find it. */
export interface StoreMutations {
  readonly buriesTheLiving?: boolean
  readonly ignoresEpoch?: boolean
}

interface State {
  epoch: number
  readonly fields: Map<string, string>
  readonly leases: Map<Incarnation, number>
  readonly log: { readonly epoch: number; readonly delta: Delta }[]
}

/** So few changes are remembered that a node that was away for a while must read everything. */
const REMEMBERED = 12
/** The store's answers wait for no longer. */
const PATIENCE = 2000

/** What the store has, and does, in an instant. */
export class StoreState {
  readonly #scheduler: Scheduler
  readonly #mutations: StoreMutations
  state: State = emptyState()
  readonly inboxes = new Map<Incarnation, Mail[]>()
  #snapshots: State[] = []
  #mail = 0
  isDown = false
  isHung = false
  /** Counts the times that it went down: what was on its way to it then is gone. */
  life = 0
  readonly watchers = new Set<() => void>()

  constructor(scheduler: Scheduler, mutations: StoreMutations) {
    this.#scheduler = scheduler
    this.#mutations = mutations
  }

  down(): void {
    this.isDown = true
    this.life++
    for (const watcher of [...this.watchers]) watcher()
  }

  /** Comes back as it was, as it was a while ago, or empty. */
  up(memory: 'all' | 'some' | 'none'): void {
    this.isDown = false
    if (memory === 'none') {
      this.state = emptyState()
      this.inboxes.clear()
    }
    if (memory === 'some') {
      const old = this.#scheduler.pick(this.#snapshots)
      if (old !== undefined) this.state = copyOf(old)
    }
    this.#snapshots = []
  }

  renew(me: Incarnation, milliseconds: number): Renewal {
    const { leases, epoch } = this.state
    const isMember = leases.has(me)
    if (isMember) leases.set(me, this.#scheduler.now + milliseconds)
    const expired = [...leases].filter(([, until]) => this.#hasRunOut(until)).map(([node]) => node)
    return { isMember, epoch, expired }
  }

  #hasRunOut(until: number): boolean {
    return until <= this.#scheduler.now + (this.#mutations.buriesTheLiving === true ? 3500 : 0)
  }

  commit({ me, epoch, delta, joinFor, expired = [], leaves }: Proposal): Outcome {
    const { state } = this
    if (joinFor === undefined && !state.leases.has(me)) return { kind: 'fenced' }
    if (state.epoch !== epoch && this.#mutations.ignoresEpoch !== true) return { kind: 'stale', epoch: state.epoch }
    for (const node of expired) {
      const until = state.leases.get(node)
      if (until !== undefined && !this.#hasRunOut(until)) return { kind: 'alive', incarnation: node }
    }
    this.#snapshots.push(copyOf(state))
    if (this.#snapshots.length > 5) this.#snapshots.shift()
    for (const node of expired) state.leases.delete(node)
    if (joinFor !== undefined) state.leases.set(me, this.#scheduler.now + joinFor)
    if (leaves === true) state.leases.delete(me)
    this.#write(delta, state.epoch + 1)
    return { kind: 'done', epoch: this.state.epoch }
  }

  #write(delta: Delta, epoch: number): void {
    const { state } = this
    for (const [field, text] of delta) {
      if (text === null) state.fields.delete(field)
      else state.fields.set(field, text)
    }
    state.epoch = epoch
    state.log.push({ epoch, delta })
    if (state.log.length > REMEMBERED) state.log.shift()
    for (const watcher of [...this.watchers]) watcher()
  }

  changes(epoch: number): Change {
    const { state } = this
    const after = state.log.filter((each) => each.epoch > epoch)
    if (epoch > state.epoch || after.length !== state.epoch - epoch) {
      return { epoch: state.epoch, delta: new Map(state.fields), isWhole: true }
    }
    return { epoch: state.epoch, delta: new Map(after.flatMap(({ delta }) => [...delta])), isWhole: false }
  }

  seed(epoch: number, fields: Fields, members: readonly Incarnation[], milliseconds: number): boolean {
    if (this.state.epoch >= epoch) return false
    this.state = {
      epoch: epoch + 1,
      fields: new Map(fields),
      leases: new Map(members.map((node) => [node, this.#scheduler.now + milliseconds])),
      log: [],
    }
    for (const watcher of [...this.watchers]) watcher()
    return true
  }

  openInbox(of: Incarnation): void {
    if (!this.inboxes.has(of)) this.inboxes.set(of, [])
  }
  append(of: Incarnation, entries: readonly Buffer[]): boolean {
    const inbox = this.inboxes.get(of)
    for (const bytes of entries) inbox?.push({ id: String(++this.#mail), bytes })
    return inbox !== undefined
  }
  read(of: Incarnation, after: string, count: number): readonly Mail[] {
    const inbox = this.inboxes.get(of) ?? []
    return inbox.filter(({ id }) => Number(id) > Number(after)).slice(0, count)
  }
  remove(of: Incarnation, ids: readonly string[]): void {
    const inbox = this.inboxes.get(of)
    if (inbox !== undefined) {
      this.inboxes.set(
        of,
        inbox.filter(({ id }) => !ids.includes(id)),
      )
    }
  }
  closeInbox(of: Incarnation): Closing {
    if ((this.inboxes.get(of) ?? []).length > 0) return 'full'
    return this.inboxes.delete(of) ? 'closed' : 'missing'
  }
}

function emptyState(): State {
  return { epoch: 0, fields: new Map(), leases: new Map(), log: [] }
}
function copyOf({ epoch, fields, leases, log }: State): State {
  return { epoch, fields: new Map(fields), leases: new Map(leases), log: [...log] }
}

/** Where callbacks of a node run: not while it is paused, and never when it has been killed. */
export interface Host {
  run(callback: () => void): void
  /** Nothing of what it sends arrives, nor what is sent to it. */
  readonly isCutOff: boolean
}

function refusal(): StoreUnreachable {
  return new StoreUnreachable('the store refuses everybody', true)
}

/** One node's connection to the store: slow at times, and what is done may never be told. */
export class StoreConnection implements ClusterStore {
  readonly #scheduler: Scheduler
  readonly #store: StoreState
  readonly #host: Host
  /** How long one way takes, at most. */
  slowness = 3
  /** Which part of the answers is lost. */
  loss = 0

  constructor(scheduler: Scheduler, store: StoreState, host: Host) {
    this.#scheduler = scheduler
    this.#store = store
    this.#host = host
  }

  #call<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const { between, chance } = this.#bound
      let isSettled = false
      const settle = (callback: () => void): void => {
        if (isSettled) return
        this.#host.run(() => {
          if (isSettled) return
          isSettled = true
          this.#store.watchers.delete(dropped)
          callback()
        })
      }
      const refuse = (): void => {
        if (!this.#host.isCutOff) this.#scheduler.after(between(0, 2), () => settle(() => reject(refusal())))
      }
      const { life } = this.#store
      const dropped = (): void => {
        if (this.#store.life !== life) refuse()
      }
      this.#scheduler.after(
        PATIENCE,
        () => settle(() => reject(new StoreUnreachable('no answer in time', false))),
        () => !isSettled,
      )
      if (this.#host.isCutOff) return
      if (this.#store.isDown) return refuse()
      this.#store.watchers.add(dropped)
      const arrive = (): void => {
        if (this.#host.isCutOff || this.#store.life !== life) return
        if (this.#store.isHung) return this.#scheduler.after(100, arrive)
        const result = work()
        if (chance(this.loss)) return
        this.#scheduler.after(between(0, this.slowness), () => {
          if (!this.#host.isCutOff && this.#store.life === life) settle(() => resolve(result))
        })
      }
      this.#scheduler.after(between(0, this.slowness), arrive)
    })
  }

  get #bound(): Pick<Scheduler, 'between' | 'chance'> {
    const scheduler = this.#scheduler
    return { between: (least, most) => scheduler.between(least, most), chance: (part) => scheduler.chance(part) }
  }

  async open(): Promise<void> {}
  close(): void {}
  time(): Promise<number> {
    return this.#call(() => this.#scheduler.now)
  }
  renew(me: Incarnation, milliseconds: number): Promise<Renewal> {
    return this.#call(() => this.#store.renew(me, milliseconds))
  }
  commit(proposal: Proposal): Promise<Outcome> {
    return this.#call(() => this.#store.commit(proposal))
  }
  changes(epoch: number): Promise<Change> {
    return this.#call(() => this.#store.changes(epoch))
  }
  seed(epoch: number, fields: Fields, members: readonly Incarnation[], milliseconds: number): Promise<boolean> {
    return this.#call(() => this.#store.seed(epoch, fields, members, milliseconds))
  }
  openInbox(of: Incarnation): Promise<void> {
    return this.#call(() => this.#store.openInbox(of))
  }
  append(of: Incarnation, entries: readonly Buffer[]): Promise<boolean> {
    return this.#call(() => this.#store.append(of, entries))
  }
  read(of: Incarnation, after: string, count: number): Promise<readonly Mail[]> {
    return this.#call(() => this.#store.read(of, after, count))
  }
  remove(of: Incarnation, ids: readonly string[]): Promise<void> {
    return this.#call(() => this.#store.remove(of, ids))
  }
  closeInbox(of: Incarnation): Promise<Closing> {
    return this.#call(() => this.#store.closeInbox(of))
  }
  async answer(): Promise<void> {}
  async answers(): Promise<readonly string[]> {
    return []
  }

  /** Polls, as time costs nothing here: half of the time, a change is heard of late. */
  async awaitChange(epoch: number, milliseconds: number): Promise<void> {
    const until = this.#scheduler.now + milliseconds
    for (;;) {
      const now = await this.#call(() => this.#store.state.epoch)
      if (now !== epoch || this.#scheduler.now >= until) return
      await this.#watch(Math.min(until - this.#scheduler.now, this.#scheduler.between(50, 1500)))
    }
  }

  /** Resolves when the store changes, and rejects when it goes down, as far as this node can hear that. */
  #watch(milliseconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const { life } = this.#store
      let isSettled = false
      const settle = (callback: () => void): void => {
        isSettled = true
        this.#host.run(callback)
      }
      const changed = (): void => {
        this.#store.watchers.delete(changed)
        if (this.#host.isCutOff) return
        const isGone = this.#store.life !== life
        this.#scheduler.after(
          this.#scheduler.between(0, this.slowness),
          () => settle(() => (isGone ? reject(refusal()) : resolve())),
          () => !isSettled,
        )
      }
      this.#store.watchers.add(changed)
      const timeUp = (): void => {
        this.#store.watchers.delete(changed)
        settle(resolve)
      }
      this.#scheduler.after(milliseconds, timeUp, () => !isSettled)
    })
  }
}
