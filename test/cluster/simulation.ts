import { domains, Life, type NodeMutations, Process, senderOf } from './simulation-node.ts'
import { Scheduler } from './simulation-scheduler.ts'
import { type StoreMutations, StoreState } from './simulation-store.ts'

export interface SimulationOptions extends NodeMutations, StoreMutations {
  /** Milliseconds in which things go wrong; then all is healed. */
  readonly trouble?: number
  readonly trace?: boolean
}

export interface SimulationResult {
  readonly seed: number
  readonly problems: readonly string[]
  readonly events: number
  /** How often each thing was done. */
  readonly done: Readonly<Record<string, number>>
  readonly trace: readonly string[]
}

const HEALING = 25_000
const MOST_PROBLEMS = 5

/** One run of a small cluster through everything that can go wrong; the same for the same seed. */
export class Simulation {
  readonly #seed: number
  readonly #options: SimulationOptions
  readonly #scheduler: Scheduler
  readonly #store: StoreState
  readonly #lives = new Map<string, Life>()
  readonly #slots: Life[] = []
  readonly #problems = new Set<string>()
  readonly #done: Record<string, number> = {}
  readonly #trace: string[] = []
  readonly #handled = new Set<string>()
  #incarnations = 0
  #entries = 0
  #isHealed = false

  constructor(seed: number, options: SimulationOptions = {}) {
    this.#seed = seed
    this.#options = options
    this.#scheduler = new Scheduler(seed)
    this.#store = new StoreState(this.#scheduler, options)
  }

  async run(): Promise<SimulationResult> {
    const scheduler = this.#scheduler
    const nodes = 3 + Math.floor(scheduler.random() * 3)
    for (let i = 0; i < nodes; i++) this.#startAt(i, scheduler.between(0, 3000))
    this.#goWrong()
    const trouble = this.#options.trouble ?? 20_000
    await scheduler.runUntil(trouble, () => this.#check())
    this.#heal()
    await scheduler.runUntil(trouble + HEALING, () => this.#check())
    this.#checkEnd()
    return {
      seed: this.#seed,
      problems: [...this.#problems],
      events: scheduler.events,
      done: this.#done,
      trace: this.#trace,
    }
  }

  #startAt(slot: number, delay: number): void {
    const scheduler = this.#scheduler
    const life = new Life(
      {
        scheduler,
        store: this.#store,
        name: `n${slot}`,
        mutations: this.#options,
        incarnation: () => `n${slot}.${++this.#incarnations}`,
        lives: this.#lives,
        handled: (entry) => this.#handled.add(entry),
        say: (text) => this.say(text),
      },
      new Process(scheduler),
    )
    this.#slots[slot] = life
    const count = 1 + Math.floor(scheduler.random() * 2)
    scheduler.after(delay, () => {
      life.process.run(() => {
        life.start()
        for (let i = 0; i < count; i++) this.#join(life)
      })
    })
  }

  #join(life: Life): void {
    const domain = this.#scheduler.pick(domains)?.name ?? ''
    const shared = Math.floor(this.#scheduler.random() * 3)
    life.joinInstance(domain, this.#scheduler.chance(0.3) ? `shared${shared}` : `${life.parts.name}/${shared}`)
  }

  #goWrong(): void {
    this.#scheduler.after(this.#scheduler.between(20, 900), () => {
      if (this.#isHealed) return
      this.#goWrong()
      const [action, part] = this.#scheduler.pick(this.#actions) ?? []
      if (action === undefined || part === undefined || !this.#scheduler.chance(part)) return
      this.#note(action.name)
      action.call(this)
    })
  }

  get #actions(): readonly (readonly [() => void, number])[] {
    return [
      [this.joins, 1],
      [this.joins, 1],
      [this.leaves, 0.7],
      [this.suspects, 0.5],
      [this.assigns, 0.2],
      [this.releases, 0.5],
      [this.sends, 1],
      [this.sends, 1],
      [this.kill, 0.4],
      [this.pauses, 0.7],
      [this.cutsOff, 0.6],
      [this.slows, 0.5],
      [this.loses, 0.5],
      [this.leavesNode, 0.25],
      [this.restarts, 0.3],
      [this.hangs, 0.2],
    ]
  }

  #note(action: string, detail = ''): void {
    this.#done[action] = (this.#done[action] ?? 0) + 1
    this.say(`${action} ${detail}`)
  }
  say(text: string): void {
    if (this.#options.trace === true) this.#trace.push(`${this.#scheduler.now.toFixed(0).padStart(6)} ${text}`)
  }

  #anyLife(): Life {
    return this.#scheduler.pick(this.#slots) as Life
  }

  joins(): void {
    const life = this.#anyLife()
    life.process.run(() => this.#join(life))
  }
  leaves(): void {
    const life = this.#anyLife()
    const local = this.#scheduler.pick([...life.locals.values()])
    if (local !== undefined) life.process.run(() => life.leaveInstance(local))
  }
  suspects(): void {
    const life = this.#anyLife()
    const local = this.#scheduler.pick([...life.locals.values()])
    if (local === undefined) return
    life.process.run(() => life.suspect(local, false))
    life.process.after(this.#scheduler.between(500, 4000), () => life.suspect(local, true))
  }
  assigns(): void {
    const life = this.#anyLife()
    const count = this.#scheduler.pick([2, 3, 4]) ?? 3
    life.process.run(() => life.assign('muc.example', count))
  }
  releases(): void {
    const life = this.#anyLife()
    life.process.run(() => life.releaseLink())
  }
  sends(): void {
    const [from, to] = [this.#anyLife(), this.#anyLife()]
    from.process.run(() => from.send(to.incarnation, String(++this.#entries)))
  }
  kill(): void {
    const slot = Math.floor(this.#scheduler.random() * this.#slots.length)
    this.say(`n${slot} (${this.#slots[slot]?.incarnation}) is killed`)
    ;(this.#slots[slot] as Life).process.isDead = true
    this.#startAt(slot, this.#scheduler.between(10, 9000))
  }
  pauses(): void {
    const { process, incarnation } = this.#anyLife()
    this.say(`${incarnation} is paused`)
    process.isPaused = true
    this.#scheduler.after(this.#scheduler.between(100, 9000), () => {
      if (process.isPaused) process.resume()
      this.say(`${incarnation} is resumed`)
    })
  }
  cutsOff(): void {
    const { process, incarnation } = this.#anyLife()
    this.say(`${incarnation} is cut off`)
    process.isCutOff = true
    this.#scheduler.after(this.#scheduler.between(100, 9000), () => {
      process.isCutOff = false
    })
  }
  slows(): void {
    const { connection } = this.#anyLife()
    connection.slowness = this.#scheduler.between(100, 1900)
    this.#scheduler.after(this.#scheduler.between(500, 6000), () => {
      connection.slowness = 3
    })
  }
  loses(): void {
    const { connection } = this.#anyLife()
    connection.loss = this.#scheduler.between(0.1, 0.6)
    this.#scheduler.after(this.#scheduler.between(500, 6000), () => {
      connection.loss = 0
    })
  }
  leavesNode(): void {
    const slot = Math.floor(this.#scheduler.random() * this.#slots.length)
    const life = this.#slots[slot] as Life
    if (!life.isRunning) return
    this.say(`${life.incarnation} leaves`)
    void life.leave()
    this.#startAt(slot, this.#scheduler.between(500, 9000))
  }
  restarts(): void {
    if (this.#store.isDown) return
    this.#store.down()
    this.#scheduler.after(this.#scheduler.between(50, 8000), () => {
      if (!this.#store.isDown) return
      const memory = this.#scheduler.pick(['all', 'some', 'none'] as const) ?? 'all'
      this.say(`the store comes back and knows ${memory}`)
      this.#store.up(memory)
    })
  }
  hangs(): void {
    this.#store.isHung = true
    this.#scheduler.after(this.#scheduler.between(500, 6000), () => {
      this.#store.isHung = false
    })
  }

  #heal(): void {
    this.#isHealed = true
    this.say('all is healed')
    this.#store.isHung = false
    if (this.#store.isDown) this.#store.up('all')
    for (const { process, connection } of this.#slots) {
      process.isCutOff = false
      connection.loss = 0
      connection.slowness = 3
      if (process.isPaused) process.resume()
    }
  }

  #problem(text: string): void {
    if (this.#problems.size >= MOST_PROBLEMS || this.#problems.has(text)) return
    this.#problems.add(text)
    this.say(`PROBLEM: ${text}`)
  }

  /** After every step: nothing has two who act for it. */
  #check(): void {
    const holders = new Map<string, Life>()
    const act = (life: Life, what: string): void => {
      const other = holders.get(what)
      if (other !== undefined) {
        const who = [other, life].map(({ incarnation, table }) => `${incarnation} (epoch ${table?.epoch})`)
        this.#problem(`${who.join(' and ')} both act for ${what}`)
      }
      holders.set(what, life)
    }
    for (const life of new Set(this.#lives.values())) {
      if (this.#options.trace === true && life.table !== undefined && life.table.epoch !== this.#epochs.get(life)) {
        this.#epochs.set(life, life.table.epoch)
        this.say(
          `${life.incarnation} knows epoch ${life.table.epoch}, held ${life.membership?.isHeld}: ${summary(life)}`,
        )
      }
      if (!life.isActing) continue
      for (const bucket of life.delivering()) act(life, `bucket ${bucket}`)
      if (life.isLinking) act(life, 'the link')
      for (const dead of life.isReading) if (life.readsEstate(dead)) act(life, `the inbox of ${dead}`)
    }
  }
  readonly #epochs = new Map<Life, number>()

  /** Long after all has been healed: everything is as it should be. */
  #checkEnd(): void {
    const { fields, epoch, leases } = this.#store.state
    const expected = JSON.stringify([...fields].sort())
    const live = this.#slots.filter(({ process }) => !process.isDead)
    for (const { incarnation, table, membership } of live) {
      if (table?.epoch !== epoch || JSON.stringify([...table.fields].sort()) !== expected) {
        this.#problem(`${incarnation} knows another table (epoch ${table?.epoch}) than the store (epoch ${epoch})`)
      }
      if (membership?.isHeld !== true) this.#problem(`${incarnation} is not a member in the end`)
      if (!leases.has(incarnation)) this.#problem(`${incarnation} has no lease in the end`)
      if (membership !== undefined && membership.waiting > 0) this.#problem(`${incarnation} still has wishes`)
    }
    const table = live[0]?.table
    if (table === undefined) return
    if (table.nodes.size !== live.length) this.#problem(`there are ${table.nodes.size} nodes, and ${live.length} live`)
    if (table.estates.size > 0) this.#problem(`estates are left: ${[...table.estates.keys()]}`)
    if (table.domain('muc.example')?.link === undefined) this.#problem('nobody has the link')
    this.#checkInstances(live)
    const incarnations = new Set(live.map(({ incarnation }) => incarnation))
    for (const [inbox, mails] of this.#store.inboxes) {
      for (const mail of mails) {
        if (!incarnations.has(senderOf(mail)) && table.epoch > 0 && incarnations.has(inbox)) {
          this.#problem(`${mail.bytes} of a dead node is left in the inbox of ${inbox}`)
        }
      }
    }
  }

  #checkInstances(live: readonly Life[]): void {
    const table = live[0]?.table
    for (const { name } of domains) {
      const domain = table?.domain(name)
      for (const life of live) {
        for (const local of life.locals.values()) {
          if (local.domain !== name || domain?.instances.get(local.name)?.route === local.route) continue
          this.#problem(`${name}/${local.name} of ${life.incarnation} is not in the table`)
        }
      }
      for (const [instance, { node, route }] of domain?.instances ?? []) {
        const home = live.find(({ incarnation }) => incarnation === node)
        if (home?.locals.get(`${name}/${instance}`)?.route !== route) this.#problem(`${name}/${instance} is not there`)
      }
      const { holders = [] } = domain?.buckets ?? {}
      const held = holders.filter((holder) => holder !== undefined)
      const delivering = live.flatMap((life) => [...life.delivering()].filter((key) => key.startsWith(name)))
      const able = Math.min(holders.length, domain?.members.length ?? 0)
      if (held.length !== able || new Set(held).size !== able)
        this.#problem(`${held.length} of ${able} buckets of ${name} are held`)
      if (delivering.length !== able)
        this.#problem(`${delivering.length} of ${able} buckets of ${name} are delivered for`)
    }
  }
}

function summary({ table, incarnation }: Life): string {
  const domain = table?.domain('muc.example')
  const holders = (domain?.buckets?.holders ?? []).map((name) => `${name}@${name && domain?.instances.get(name)?.node}`)
  return `[${holders}] link ${domain?.link} nodes ${[...(table?.nodes.keys() ?? [])]} estates ${[...(table?.estates ?? [])].map(([dead, { heir }]) => `${dead}:${heir}`)} (${incarnation})`
}
