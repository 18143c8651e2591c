import { setTimeout as pause } from 'node:timers/promises'
import { type ExitCode, exitCodes } from '../errors.ts'
import { type ClusterFrame, type ClusterRow, drawing } from './demo-cluster-screen.ts'
import { type ClusterOutcome, clusterFaults, clusterSummary } from './demo-cluster-summary.ts'
import { Crew } from './demo-crew.ts'
import { Ledger } from './demo-ledger.ts'
import type { Member } from './demo-member.ts'
import type { LogLine } from './demo-node.ts'
import { clockText, Screen, type ScreenIo } from './demo-screen.ts'
import { USERS } from './demo-sender.ts'
import { Stopwatch, type Takeover } from './demo-takeover.ts'
import { PerSecond } from './per-second.ts'

export interface ClusterIo extends ScreenIo {
  readonly program: string
  /** `end` is called when this process ends, however that comes about, short of a SIGKILL. */
  onExit(end: () => void): void
  onSignals(reload: () => void, stop: () => void): void
}

/** Between two looks at what no event tells of, in milliseconds. */
const POLL = 25
/** For each step of a takeover, and for what is on its way when the traffic ends. */
const WITHIN = 20_000

export interface ClusterWish {
  readonly nodes: number
  readonly seconds: number
  /** Until a signal; otherwise one round. */
  readonly keeps: boolean
}

/** `switchyard demo --nodes N`: exit code 0 when nothing was lost and all of a killed node's work was taken over. */
export async function demoCluster({ nodes, seconds, keeps }: ClusterWish, io: ClusterIo): Promise<ExitCode> {
  const stopped = new AbortController()
  const stop = (): void => stopped.abort()
  // Also when the terminal is closed: nothing may stay behind.
  io.onSignals(stop, stop)
  io.stdout(`Switchyard demo: ${nodes} nodes over one Redis, and one of them killed on the way.\n\n`)
  const show = new ClusterShow(io, nodes, keeps, stopped.signal)
  try {
    if (!(await show.prepare())) return exitCodes.done
    for (let round = 0; round === 0 || (keeps && !stopped.signal.aborted); round++) await show.act(round, seconds)
    const outcome = await show.settle()
    io.stdout(clusterSummary(outcome))
    return clusterFaults(outcome).length === 0 ? exitCodes.done : exitCodes.bug
  } finally {
    await show.close()
  }
}

/** One run of the demo with several nodes. */
export class ClusterShow {
  readonly #io: ClusterIo
  readonly #keeps: boolean
  readonly #stopped: AbortSignal
  readonly #screen: Screen
  readonly #ledger = new Ledger()
  readonly #crew: Crew
  readonly #rates = new Map<string, PerSecond>()
  /** By name: what a node is that is not up. */
  readonly #down = new Map<string, string>()
  readonly #takeovers: Stopwatch[] = []
  readonly #mishaps: string[] = []
  /** Instances that the cluster has agreed on. */
  readonly #admitted = new Set<string>()
  #drawing: NodeJS.Timeout | undefined
  #begun = performance.now()
  #again = 0

  constructor(io: ClusterIo, count: number, keeps: boolean, stopped: AbortSignal) {
    this.#io = io
    this.#keeps = keeps
    this.#stopped = stopped
    this.#screen = new Screen(io)
    this.#crew = new Crew({
      ...{ program: io.program, count, ledger: this.#ledger },
      onLog: (line) => this.#logged(line),
      onMishap: (what) => this.#mishaps.push(what),
      onMoved: (group, port, again) => this.#moved(group, port, again),
    })
    io.onExit(() => this.#crew.end())
  }

  /** Starts Redis, the nodes, the instances and the users, and then the traffic. False when a signal came before that. */
  async prepare(): Promise<boolean> {
    const crew = this.#crew
    const tell = (what: string, text: string): void => this.#io.stdout(`${what.padEnd(10)}${text}\n`)
    tell('Redis', `${await crew.startRedis()}, of the demo's own`)
    await crew.startNodes()
    for (const { name, pid, ports } of crew.members) {
      tell(name, `process ${pid}; components connect at 127.0.0.1:${ports.component}`)
    }
    await crew.startInstances()
    const places = crew.instances.map(({ name, port }) => `${name} at ${crew.nodeAt(port)}`)
    tell('instances', places.join(', '))
    tell('', 'A new cluster waits 5 s before it gives away buckets: an empty Redis')
    tell('', 'may be one that has forgotten what other nodes still act on.')
    const isAdmitted = (): boolean => crew.instances.every(({ name }) => this.#admitted.has(name))
    await this.#become(() => isAdmitted() || this.#stopped.aborted)
    if (this.#stopped.aborted) return false
    if (!isAdmitted()) this.#mishaps.push('the cluster did not let all instances in')
    await crew.startUsers()
    tell('users', `${USERS}, spread over the nodes; whatever node a user is at, the instance`)
    tell('', `that has the user's bucket echoes what the user sends`)
    this.#io.stdout('\n')
    this.#begun = performance.now()
    for (const { name } of crew.instances) {
      this.#rates.set(name, new PerSecond())
      this.#rates.get(name)?.at(this.#begun, 0)
    }
    for (const group of crew.groups) group.begin()
    this.#drawing = setInterval(() => this.#draw(), this.#screen.interval)
    return true
  }

  /** One round: traffic, a node's death, the takeover, its return, traffic. */
  async act(round: number, seconds: number): Promise<void> {
    const { members } = this.#crew
    const victim = members[(round + 1) % members.length]
    if (victim === undefined) return
    await this.#wait(seconds * 0.2)
    if (this.#stopped.aborted) return
    const stopwatch = await this.#kill(victim)
    await this.#wait(seconds * 0.1)
    await this.#revive(victim, stopwatch)
    await this.#wait(Math.max(seconds * 0.1, (round + 1) * seconds - this.#seconds))
  }

  /** Ends the traffic, and waits for what is on its way. */
  async settle(): Promise<ClusterOutcome> {
    for (const group of this.#crew.groups) group.end()
    await this.#become(() => this.#ledger.tally.waiting === 0)
    this.#draw()
    this.#endDrawing()
    const takeovers = this.#takeovers.map((stopwatch): Takeover => stopwatch.result)
    return { tally: this.#ledger.tally, again: this.#again, takeovers, mishaps: this.#mishaps }
  }

  async close(): Promise<void> {
    this.#endDrawing()
    await this.#crew.stop()
  }

  /** From now on nothing is shown: the end of the demo is no event of it. */
  #endDrawing(): void {
    clearInterval(this.#drawing)
    this.#drawing = undefined
  }

  get #seconds(): number {
    return (performance.now() - this.#begun) / 1000
  }

  async #wait(seconds: number): Promise<void> {
    if (seconds <= 0) return
    await pause(seconds * 1000, undefined, { signal: this.#stopped }).catch(() => {})
  }

  /** Resolves when it holds, or has not for too long: false. A signal does not end it: what was begun is seen through. */
  async #become(holds: () => boolean): Promise<boolean> {
    const deadline = performance.now() + WITHIN
    while (!holds() && performance.now() < deadline) await pause(POLL)
    return holds()
  }

  /** Resolves when its work has been taken over, or was not in time. */
  async #kill(victim: Member): Promise<Stopwatch> {
    const { instances, groups } = this.#crew
    const port = victim.ports.component
    const orphans = instances.filter((instance) => instance.port === port)
    const users = groups.filter((group) => group.port === port)
    const names = orphans.map(({ name }) => name)
    this.#say(`${victim.name} is killed (SIGKILL to process ${victim.pid})`)
    this.#down.set(victim.name, 'killed')
    const stopwatch = new Stopwatch(victim.name, names, performance.now())
    this.#takeovers.push(stopwatch)
    await victim.kill()
    const isElsewhere = (): boolean => [...orphans, ...users].every((one) => one.port !== port)
    if (await this.#become(isElsewhere)) stopwatch.mark('reconnected', performance.now())
    // What they read from now on comes by another node.
    const before = new Map(orphans.map((instance) => [instance, instance.read]))
    for (const { name, port: now } of orphans) {
      this.#say(`${name} lost its stream, and connects to ${this.#nodeAt(now)}; its bucket waits for it`)
    }
    const isServed = (): boolean => orphans.every((one) => one.read > (before.get(one) ?? 0))
    if (await this.#become(() => stopwatch.has('buried') && isServed())) this.#served(stopwatch, names)
    return stopwatch
  }

  #served(stopwatch: Stopwatch, names: readonly string[]): void {
    stopwatch.mark('served', performance.now())
    if (names.length > 0) this.#say(`${names.join(' and ')} gets its bucket's stanzas again, first those that waited`)
  }

  async #revive(victim: Member, stopwatch: Stopwatch): Promise<void> {
    if (this.#stopped.aborted) return
    this.#say(`${victim.name} is started anew`)
    stopwatch.restart(performance.now())
    await victim.start()
    stopwatch.mark('restarted', performance.now())
    this.#down.delete(victim.name)
    this.#say(`${victim.name} is ready (process ${victim.pid})`)
  }

  #moved(group: number, port: number, again: number): void {
    this.#again += again
    this.#say(`the users of yard-${group + 1} connect to ${this.#nodeAt(port)}, and send ${again} stanzas again`)
  }

  #logged(line: LogLine): void {
    if (line.code === 'bug') this.#mishaps.push(`a node has met a bug: ${JSON.stringify(line)}`)
    if (line.code === 'instance-joined') this.#admitted.add(String(line.instance))
    if (line.code !== 'node-left') return
    const stopwatch = this.#takeovers.at(-1)
    if (stopwatch === undefined || stopwatch.result.node !== line.name) return
    if (!stopwatch.mark('buried', performance.now())) return
    this.#down.set(String(line.name), 'dead')
    this.#say(`${line.name} has not renewed its lease of 5 s: the others take over its work`)
  }

  #nodeAt(port: number | undefined): string {
    return this.#crew.nodeAt(port)
  }

  #say(text: string): void {
    if (this.#drawing !== undefined) this.#screen.say(`${clockText(this.#seconds)} ${text}`)
  }

  #draw(): void {
    this.#screen.draw(drawing(this.#frame()))
  }

  #frame(): ClusterFrame {
    const { members, instances } = this.#crew
    const rows = instances.map(({ name, port, read }, bucket): ClusterRow => {
      const rate = this.#rates.get(name)?.at(performance.now(), read) ?? 0
      const node = this.#nodeAt(port)
      return { name, node: this.#down.has(node) ? undefined : node, bucket, read, rate }
    })
    const nodes = new Map(members.map(({ name }) => [name, this.#down.get(name) ?? 'up']))
    const end = this.#keeps ? '; Ctrl-C ends it' : ''
    return { seconds: this.#seconds, end, nodes, rows, tally: this.#ledger.tally }
  }
}
