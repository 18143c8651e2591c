import type { Incarnation, Mail } from '../../src/cluster/cluster-store.ts'
import { discrepancies, type Own } from '../../src/cluster/discrepancies.ts'
import {
  assign,
  claimLink,
  joinInstance,
  leaveInstance,
  reinstate,
  releaseLink,
  sideline,
} from '../../src/cluster/instance-wishes.ts'
import type { TableChange } from '../../src/cluster/known.ts'
import { type Timing, usualTiming } from '../../src/cluster/lease.ts'
import { Membership } from '../../src/cluster/membership.ts'
import { namesIn } from '../../src/cluster/names-in.ts'
import { closeEstate } from '../../src/cluster/node-wishes.ts'
import { TABLE_FORM } from '../../src/cluster/records.ts'
import type { Table } from '../../src/cluster/table.ts'
import type { Scheduler } from './simulation-scheduler.ts'
import { type Host, StoreConnection, type StoreState } from './simulation-store.ts'

/** A domain with buckets, and one without. */
export const domains = [
  { name: 'muc.example', count: 3 },
  { name: 'bot.example', count: undefined },
] as const

export interface NodeMutations {
  /** Acts on what it last heard, lease or no lease. */
  readonly isNeverFenced?: boolean
  /** Leaves the table as it is, whatever has become of its wishes. */
  readonly neverReconciles?: boolean
  readonly timing?: Partial<Timing>
}

export interface NodeParts {
  readonly scheduler: Scheduler
  readonly store: StoreState
  readonly name: string
  readonly mutations: NodeMutations
  readonly incarnation: () => Incarnation
  /** The lives of other nodes, by incarnation; to ask them what they have seen. */
  readonly lives: Map<Incarnation, Life>
  readonly handled: (entry: string) => void
  readonly say: (text: string) => void
}

interface Local extends Own {
  readonly domain: string
}

/** A process: may be paused and killed, and its clock goes a little wrong. */
export class Process implements Host {
  readonly #scheduler: Scheduler
  readonly rate: number
  isCutOff = false
  isPaused = false
  isDead = false
  readonly #waiting: (() => void)[] = []

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
    this.rate = scheduler.between(0.93, 1.07)
  }

  get now(): number {
    return this.#scheduler.now * this.rate
  }
  run(callback: () => void): void {
    if (this.isDead) return
    if (this.isPaused) this.#waiting.push(callback)
    else callback()
  }
  after(milliseconds: number, callback: () => void): () => void {
    let isCancelled = false
    this.#scheduler.after(milliseconds / this.rate, () =>
      this.run(() => {
        if (!isCancelled) callback()
      }),
    )
    return () => {
      isCancelled = true
    }
  }
  resume(): void {
    this.isPaused = false
    for (const callback of this.#waiting.splice(0)) this.#scheduler.after(0, () => this.run(callback))
  }
}

/** A node from its start to its death: a membership, and a model of what stands above it. */
export class Life {
  readonly parts: NodeParts
  readonly process: Process
  readonly connection: StoreConnection
  incarnation: Incarnation = ''
  membership: Membership | undefined
  readonly locals = new Map<string, Local>()
  /** Buckets that it has gained: others have to have seen that before it uses them. */
  readonly #gained = new Map<string, { readonly epoch: number; readonly waitsFor: Set<Incarnation>; ahead: number }>()
  #isLinkReleased = false
  readonly isReading = new Set<Incarnation>()
  isLeaving = false
  #routes = 0

  constructor(parts: NodeParts, process: Process) {
    this.parts = parts
    this.process = process
    this.connection = new StoreConnection(parts.scheduler, parts.store, process)
  }

  get isRunning(): boolean {
    return !this.process.isDead && !this.process.isPaused && this.membership !== undefined
  }
  /** Whether it acts: on what the table says, and while it may. */
  get isActing(): boolean {
    const { membership } = this
    if (!this.isRunning || membership === undefined) return false
    return membership.isHeld || (this.parts.mutations.isNeverFenced === true && membership.heldUntil > 0)
  }
  get table(): Table | undefined {
    return this.membership?.table
  }

  start(): void {
    this.incarnation = this.parts.incarnation()
    this.parts.lives.set(this.incarnation, this)
    this.#gained.clear()
    this.isReading.clear()
    const { name } = this.parts
    const membership = new Membership({
      store: this.connection,
      incarnation: this.incarnation,
      facts: { name, version: '1', form: TABLE_FORM, since: 0, configs: {} },
      now: () => this.process.now,
      timers: { after: (milliseconds, callback) => this.process.after(milliseconds, callback) },
      timing: this.parts.mutations.timing ?? usualTiming,
      events: {
        changed: (change) => this.#changed(change),
        lost: (why) => {
          this.parts.say(`${this.incarnation} is lost: ${why}`)
          this.process.after(50, () => this.start())
        },
        reach: () => {
          this.#isDoubtful = true
        },
        restored: () => undefined,
      },
    })
    this.membership = membership
    this.#isDoubtful = true
    membership.join().then(
      () => this.#joined(),
      (error) => {
        this.parts.say(`${name} cannot join: ${error}`)
        this.process.after(500, () => this.start())
      },
    )
    this.#tick(membership)
  }

  #joined(): void {
    for (const local of this.locals.values()) this.#propose(local)
    this.#wantLink()
  }

  /** What is done again and again: inboxes are read, the dead one's too. */
  #tick(membership: Membership): void {
    this.process.after(this.parts.scheduler.between(400, 900), () => {
      if (this.membership !== membership || this.isLeaving) return
      this.#tick(membership)
      this.#settle(membership)
      for (const [dead, { heir }] of membership.table.estates) {
        if (heir === this.incarnation && this.isActing) void this.#readEstate(membership, dead).catch(() => undefined)
        void this.#purge(membership, dead).catch(() => undefined)
      }
      if (this.isActing) void this.#readOwn().catch(() => undefined)
    })
  }

  async #readOwn(): Promise<void> {
    const mails = await this.connection.read(this.incarnation, '0', 100)
    const others = mails.filter((mail) => senderOf(mail) !== this.incarnation)
    await this.connection.remove(
      this.incarnation,
      others.map(({ id }) => id),
    )
    for (const mail of others) this.parts.handled(mail.bytes.toString())
  }

  async #readEstate(membership: Membership, dead: Incarnation): Promise<void> {
    if (this.isReading.has(dead)) return
    this.isReading.add(dead)
    try {
      const mails = await this.connection.read(dead, '0', 100)
      if (!this.readsEstate(dead)) return
      const orphans = mails.filter((mail) => !membership.table.nodes.has(senderOf(mail)))
      for (const mail of orphans) this.parts.handled(mail.bytes.toString())
      await this.connection.remove(
        dead,
        orphans.map(({ id }) => id),
      )
      if ((await this.connection.closeInbox(dead)) !== 'full') {
        await membership.propose((draft) => closeEstate(draft, dead, this.incarnation))
      }
    } finally {
      this.isReading.delete(dead)
    }
  }

  /** What this node sent to one that is dead it sends anew itself. */
  async #purge(membership: Membership, dead: Incarnation): Promise<void> {
    const mails = await this.connection.read(dead, '0', 100)
    const own = mails.filter((mail) => senderOf(mail) === this.incarnation)
    if (this.membership !== membership || own.length === 0) return
    for (const mail of own) this.parts.handled(mail.bytes.toString())
    await this.connection.remove(
      dead,
      own.map(({ id }) => id),
    )
  }

  readsEstate(dead: Incarnation): boolean {
    return this.isActing && this.table?.estates.get(dead)?.heir === this.incarnation
  }

  send(to: Incarnation, entry: string): void {
    this.connection.append(to, [Buffer.from(`${this.incarnation} ${entry}`)]).catch(() => undefined)
  }

  joinInstance(domain: string, name: string): void {
    const local = { domain, name, route: `${this.incarnation}-${this.#routes++}`, since: 0 }
    this.locals.set(`${domain}/${name}`, local)
    this.#propose(local)
  }

  #propose({ domain, name, route }: Local): void {
    const count = domains.find((each) => each.name === domain)?.count
    this.#ask((draft) => {
      if (this.locals.get(`${domain}/${name}`)?.route !== route) return
      joinInstance(draft, domain, name, { node: this.incarnation, route, since: 0 }, { count })
    })
  }

  leaveInstance(local: Local): void {
    this.locals.delete(`${local.domain}/${local.name}`)
    const { incarnation } = this
    this.#ask((draft) => leaveInstance(draft, local.domain, local.name, incarnation, local.route))
  }

  suspect({ domain, name, route }: Local, isBack: boolean): void {
    const { incarnation } = this
    this.#ask((draft) => (isBack ? reinstate : sideline)(draft, domain, name, incarnation, route))
  }

  assign(domain: string, count: number): void {
    this.#ask((draft) => assign(draft, domain, count, new Map()))
  }

  releaseLink(): void {
    if (this.table?.domain('muc.example')?.link !== this.incarnation) return
    this.#isLinkReleased = true
    const { incarnation } = this
    this.#ask((draft) => releaseLink(draft, 'muc.example', incarnation))
  }

  #wantLink(): void {
    const { incarnation } = this
    this.process.after(this.parts.scheduler.between(0, 500), () => {
      if (this.incarnation === incarnation) this.#ask((draft) => claimLink(draft, 'muc.example', incarnation))
    })
  }

  #ask(wish: Parameters<Membership['propose']>[0]): void {
    this.membership?.propose(wish).catch(() => undefined)
  }

  async leave(): Promise<void> {
    this.isLeaving = true
    await this.membership?.leave().catch(() => undefined)
    this.process.isDead = true
  }

  #changed({ before, table, delta, isWhole }: TableChange): void {
    this.#noteGains(before, table)
    for (const gain of this.#gained.values()) {
      for (const node of gain.waitsFor) if (!table.nodes.has(node)) gain.waitsFor.delete(node)
    }
    const link = table.domain('muc.example')?.link
    if (link !== this.incarnation) this.#isLinkReleased = false
    if (link === undefined) this.#wantLink()
    const names = isWhole ? undefined : namesIn(delta)
    for (const { name } of domains) {
      this.#follow(name, table)
      if (names === undefined || this.#differs(name, names.get(name) ?? [])) this.#isDoubtful = true
    }
  }

  /** Another stream may have the name of one that had its place. */
  #follow(domain: string, table: Table): void {
    for (const local of this.#own(domain).values()) {
      const record = table.domain(domain)?.instances.get(local.name)
      if (record?.route === local.route) this.#seen.add(local.route)
      else if (record !== undefined && record.node !== this.incarnation && table.nodes.has(record.node)) {
        if (this.#seen.has(local.route)) this.locals.delete(`${domain}/${local.name}`)
      }
    }
  }

  #own(domain: string): ReadonlyMap<string, Local> {
    const own = [...this.locals.values()].filter((local) => local.domain === domain)
    return new Map(own.map((local) => [local.name, local]))
  }

  #differs(domain: string, names: Iterable<string>): boolean {
    const { missing, stale } = discrepancies(this.table?.domain(domain), this.incarnation, this.#own(domain), names)
    return missing.length + stale.length > 0
  }

  /** What is here and not in the table, and the reverse, as `ClusterReconciliation` sees to it: once nothing waits. */
  #settle({ table, waiting }: Membership): void {
    if (!this.#isDoubtful || waiting > 0 || this.parts.mutations.neverReconciles === true) return
    this.#isDoubtful = false
    const { incarnation } = this
    for (const { name: domain } of domains) {
      const { missing, stale } = discrepancies(table.domain(domain), incarnation, this.#own(domain))
      for (const local of missing) this.#propose(local)
      for (const [name, { route }] of stale) {
        this.#ask((draft) => {
          if (!this.locals.has(`${domain}/${name}`)) leaveInstance(draft, domain, name, incarnation, route)
        })
      }
    }
  }

  readonly #seen = new Set<string>()
  /** What it has and what the table says may differ. */
  #isDoubtful = false

  #noteGains(before: Table, table: Table): void {
    for (const { name } of domains) {
      const [old, now] = [before.domain(name), table.domain(name)]
      now?.buckets?.holders.forEach((holder, bucket) => {
        const key = `${name} ${now.buckets?.holders.length} ${bucket}`
        const isOurs = holder !== undefined && now.instances.get(holder)?.node === this.incarnation
        if (!isOurs) {
          this.#gained.delete(key)
          return
        }
        const isKept =
          old?.buckets?.holders.length === now.buckets?.holders.length &&
          old?.buckets?.holders[bucket] === holder &&
          old?.instances.get(holder)?.node === this.incarnation
        if (isKept) return
        const waitsFor = new Set([...table.nodes.keys()].filter((node) => node !== this.incarnation))
        this.#gained.set(key, { epoch: table.epoch, waitsFor, ahead: 0 })
        for (const node of waitsFor) this.#askSeen(node, key, table.epoch)
      })
    }
  }

  /** Asks another node until it has seen an epoch. What it has seen beyond that, this one has to see first, too. */
  #askSeen(node: Incarnation, key: string, epoch: number): void {
    const { scheduler, lives } = this.parts
    const { incarnation } = this
    const isWaiting = (): boolean =>
      this.incarnation === incarnation &&
      this.#gained.get(key)?.epoch === epoch &&
      this.#gained.get(key)?.waitsFor.has(node) === true
    if (!isWaiting()) return
    const other = lives.get(node)
    if (!this.process.isCutOff && other !== undefined && !other.process.isCutOff) {
      scheduler.after(scheduler.between(0, 5), () =>
        other.process.run(() => {
          const seen = other.incarnation === node ? (other.table?.epoch ?? 0) : Number.POSITIVE_INFINITY
          if (seen < epoch || seen === Number.POSITIVE_INFINITY) return
          scheduler.after(scheduler.between(0, 5), () =>
            this.process.run(() => {
              const gain = this.#gained.get(key)
              if (gain === undefined || !isWaiting()) return
              gain.waitsFor.delete(node)
              gain.ahead = Math.max(gain.ahead, seen)
            }),
          )
        }),
      )
    }
    this.process.after(100, () => this.#askSeen(node, key, epoch))
  }

  /** The buckets that it delivers for, now. */
  *delivering(): Iterable<string> {
    const { table } = this
    if (table === undefined || !this.isActing) return
    for (const { name } of domains) {
      const domain = table.domain(name)
      const count = domain?.buckets?.holders.length
      for (let bucket = 0; bucket < (count ?? 0); bucket++) {
        const holder = domain?.buckets?.holders[bucket]
        const record = holder === undefined ? undefined : domain?.instances.get(holder)
        if (record?.node !== this.incarnation) continue
        if (this.locals.get(`${name}/${holder}`)?.route !== record.route) continue
        const key = `${name} ${count} ${bucket}`
        const gain = this.#gained.get(key)
        if (gain !== undefined && (gain.waitsFor.size > 0 || gain.ahead > table.epoch)) continue
        yield key
      }
    }
  }

  get isLinking(): boolean {
    return this.isActing && !this.#isLinkReleased && this.table?.domain('muc.example')?.link === this.incarnation
  }
}

export function senderOf(mail: Mail): Incarnation {
  return mail.bytes.toString().split(' ', 1)[0] ?? ''
}
