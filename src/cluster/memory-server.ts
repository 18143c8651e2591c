import {
  type Change,
  type Closing,
  type Delta,
  type Fields,
  type Incarnation,
  type Mail,
  type Outcome,
  type Proposal,
  type Renewal,
  StoreUnreachable,
} from './cluster-store.ts'

/** The time of a store in memory: a real one's, or a simulation's. */
export interface ServerTime {
  /** Milliseconds. */
  now(): number
  /** Calls `run` after so many milliseconds. Returns what prevents it. */
  later(run: () => void, milliseconds: number): () => void
}

/** Changes that are remembered. */
const CHANGES = 1000

/** Answers to a task are kept for so long. */
const ANSWERS_MILLISECONDS = 60_000

interface Answers {
  readonly texts: string[]
  readonly until: number
}
interface Waiter {
  /** On whose behalf. */
  readonly who: object
  look(): void
  fail(error: Error): void
}

/** What several stores in memory share, as nodes share a Redis. Everything it is asked happens at once, in order. */
export class MemoryServer {
  readonly #time: ServerTime
  readonly #held: (() => void)[] = []
  readonly #waiters = new Set<Waiter>()
  #epoch = 0
  #fields = new Map<string, string>()
  #leases = new Map<Incarnation, number>()
  /** What led to each epoch, up to the present one; undefined for what is not remembered. */
  #log = new Map<number, Delta>()
  #inboxes = new Map<Incarnation, Mail[]>()
  #answers = new Map<string, Answers>()
  /** Entries of all inboxes that there ever were: ids rise even when everything was forgotten. */
  #appended = 0

  constructor(time: ServerTime) {
    this.#time = time
  }

  get epoch(): number {
    return this.#epoch
  }
  get fields(): Fields {
    return this.#fields
  }
  /** Until when, by the server's time, each lease lasts. */
  get leases(): ReadonlyMap<Incarnation, number> {
    return this.#leases
  }
  get inboxes(): ReadonlySet<Incarnation> {
    return new Set(this.#inboxes.keys())
  }
  /** What is in an inbox. */
  mails(of: Incarnation): readonly Mail[] {
    return this.#inboxes.get(of) ?? []
  }

  /** Everything is gone, as after a restart without a file, and so are the connections of those who wait. */
  forget(): void {
    this.interrupt()
    this.#epoch = 0
    this.#fields = new Map()
    this.#leases = new Map()
    this.#log = new Map()
    this.#inboxes = new Map()
    this.#answers = new Map()
  }
  /** One entry is gone, as after a failover. */
  lose(of: Incarnation, index: number): void {
    this.#inboxes.get(of)?.splice(index, 1)
  }
  /** What was held is carried out, in order. */
  release(): void {
    for (const carryOut of this.#held.splice(0)) carryOut()
  }

  /** For the stores: it is carried out with `release`. */
  hold(carryOut: () => void): void {
    this.#held.push(carryOut)
  }
  /** For the stores: resolves with what `find` finds, or after so many milliseconds with undefined. */
  wait<T>(who: object, find: () => T | undefined, milliseconds: number): Promise<T | undefined> {
    const found = find()
    if (found !== undefined || milliseconds <= 0) return Promise.resolve(found)
    return new Promise((resolve, reject) => {
      const end = () => {
        cancel()
        this.#waiters.delete(waiter)
      }
      const waiter: Waiter = {
        who,
        look: () => {
          const value = find()
          if (value === undefined) return
          end()
          resolve(value)
        },
        fail: (error) => {
          end()
          reject(error)
        },
      }
      const cancel = this.#time.later(() => {
        end()
        resolve(undefined)
      }, milliseconds)
      this.#waiters.add(waiter)
    })
  }
  /** Who waits is told that the connection is gone: all, or those of one store. */
  interrupt(who?: object): void {
    for (const waiter of [...this.#waiters]) {
      if (who === undefined || waiter.who === who) waiter.fail(new StoreUnreachable('the connection is gone', true))
    }
  }
  later(run: () => void, milliseconds: number): () => void {
    return this.#time.later(run, milliseconds)
  }

  renew(me: Incarnation, milliseconds: number): Renewal {
    const isMember = this.#leases.has(me)
    if (isMember) this.#leases.set(me, this.#time.now() + milliseconds)
    const now = this.#time.now()
    const expired = [...this.#leases].filter(([incarnation, end]) => incarnation !== me && end <= now)
    return { isMember, epoch: this.#epoch, expired: expired.map(([incarnation]) => incarnation) }
  }

  commit({ me, epoch, delta, joinFor, expired = [], leaves }: Proposal): Outcome {
    if (this.#epoch < epoch) return { kind: 'stale', epoch: this.#epoch }
    if (joinFor === undefined && !this.#leases.has(me)) return { kind: 'fenced' }
    if (this.#epoch !== epoch) return { kind: 'stale', epoch: this.#epoch }
    for (const incarnation of expired) {
      if ((this.#leases.get(incarnation) ?? 0) > this.#time.now()) return { kind: 'alive', incarnation }
    }
    this.#epoch++
    for (const [name, value] of delta) {
      if (value === null) this.#fields.delete(name)
      else this.#fields.set(name, value)
    }
    this.#log.set(this.#epoch, new Map(delta))
    this.#log.delete(this.#epoch - CHANGES)
    for (const incarnation of expired) this.#leases.delete(incarnation)
    if (joinFor !== undefined) this.#leases.set(me, this.#time.now() + joinFor)
    if (leaves === true) this.#leases.delete(me)
    this.#look()
    return { kind: 'done', epoch: this.#epoch }
  }

  now(): number {
    return this.#time.now()
  }

  changes(since: number): Change {
    if (since === 0) return this.#whole()
    const delta = new Map<string, string | null>()
    for (let epoch = since + 1; epoch <= this.#epoch; epoch++) {
      const step = this.#log.get(epoch)
      if (step === undefined) return this.#whole()
      for (const [name, value] of step) delta.set(name, value)
    }
    return since > this.#epoch ? this.#whole() : { epoch: this.#epoch, delta, isWhole: false }
  }

  seed(epoch: number, fields: Fields, members: readonly Incarnation[], milliseconds: number): boolean {
    if (this.#epoch >= epoch) return false
    this.#epoch = epoch + 1
    this.#fields = new Map(fields)
    this.#log = new Map()
    this.#leases = new Map(members.map((incarnation) => [incarnation, this.#time.now() + milliseconds]))
    this.#look()
    return true
  }

  openInbox(of: Incarnation): void {
    if (!this.#inboxes.has(of)) this.#inboxes.set(of, [])
  }

  append(of: Incarnation, entries: readonly Buffer[]): boolean {
    const inbox = this.#inboxes.get(of)
    if (inbox === undefined) return false
    for (const bytes of entries) inbox.push({ id: `${++this.#appended}-0`, bytes: Buffer.from(bytes) })
    this.#look()
    return true
  }

  /** Undefined when there are none. */
  read(of: Incarnation, after: string, count: number): readonly Mail[] | undefined {
    const inbox = this.#inboxes.get(of)
    if (inbox === undefined) return undefined
    const position = Number.parseInt(after, 10)
    const mails: Mail[] = []
    for (let i = firstAfter(inbox, position); i < inbox.length && mails.length < count; i++) {
      mails.push(inbox[i] as Mail)
    }
    return mails.length === 0 ? undefined : mails
  }

  remove(of: Incarnation, ids: readonly string[]): void {
    const mails = this.#inboxes.get(of)
    if (mails === undefined) return
    for (const id of ids) {
      const index = firstAfter(mails, Number.parseInt(id, 10) - 1)
      if (mails[index]?.id === id) mails.splice(index, 1)
    }
  }

  closeInbox(of: Incarnation): Closing {
    if (this.mails(of).length > 0) return 'full'
    return this.#inboxes.delete(of) ? 'closed' : 'missing'
  }

  answer(task: string, text: string): void {
    const now = this.#time.now()
    for (const [old, { until }] of this.#answers) if (until <= now) this.#answers.delete(old)
    const texts = this.#answers.get(task)?.texts ?? []
    texts.push(text)
    this.#answers.set(task, { texts, until: now + ANSWERS_MILLISECONDS })
    this.#look()
  }

  /** Undefined when there are none. */
  answers(task: string, from: number): readonly string[] | undefined {
    const answers = this.#answers.get(task)
    if (answers === undefined || answers.until <= this.#time.now() || answers.texts.length <= from) return undefined
    return answers.texts.slice(from)
  }

  #whole(): Change {
    return { epoch: this.#epoch, delta: new Map(this.#fields), isWhole: true }
  }

  #look(): void {
    for (const waiter of [...this.#waiters]) waiter.look()
  }
}

/** The index of the first entry whose id is above `position`. */
function firstAfter(mails: readonly Mail[], position: number): number {
  let low = 0
  let high = mails.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (Number.parseInt((mails[middle] as Mail).id, 10) > position) high = middle
    else low = middle + 1
  }
  return low
}
