import { setTimeout as pause } from 'node:timers/promises'
import { type ExitCode, exitCodes } from '../errors.ts'
import type { ClusterIo } from './demo-cluster.ts'
import { mostNodes } from './demo-cluster-config.ts'
import { eventText } from './demo-events.ts'
import { Ledger } from './demo-ledger.ts'
import {
  type DemoName,
  type DemoNode,
  demoBuckets,
  demoDomains,
  demoNames,
  type LogLine,
  startDemoNode,
} from './demo-node.ts'
import { DemoProcess } from './demo-processes.ts'
import { clockText, type Frame, type Row, Screen } from './demo-screen.ts'
import { Sender, USERS } from './demo-sender.ts'
import { faultsOf, type Outcome, summaryText } from './demo-summary.ts'
import { type Given, wholeNumber } from './given.ts'
import { PerSecond } from './per-second.ts'

/** What the command needs from the process. */
export interface DemoIo extends ClusterIo {
  readonly version: string
  /** The file that this process runs: run with `demo-instance`, it is an instance. */
  readonly program: string
  onSignals(reload: () => void, stop: () => void): void
}

const shortest = 3
const usual = 10
const longest = 3600
/** Several nodes need longer: until a node is known to be dead takes its lease. */
const usualOfSeveral = 15
/** No longer than what the domain holds for. */
const longestOutage = 5
/** For what is on its way when the traffic ends, in milliseconds. */
const SETTLE_WITHIN = 10_000
const SETTLE_POLL = 25

/** `switchyard demo`: exit code 0 when nothing was lost but what was in flight to the instance that was killed. */
export async function demo(given: Given, io: DemoIo): Promise<ExitCode> {
  const nodes = wholeNumber(given, 'nodes', 1, mostNodes) ?? 1
  const seconds = wholeNumber(given, 'seconds', shortest, longest) ?? (nodes === 1 ? usual : usualOfSeveral)
  const keeps = given.options.has('keep')
  if (nodes > 1) {
    const { demoCluster } = await import('./demo-cluster.ts')
    return demoCluster({ nodes, seconds, keeps }, io)
  }
  const stopped = new AbortController()
  io.onSignals(
    () => {},
    () => stopped.abort(),
  )
  const show = new Show(io, keeps ? undefined : seconds, stopped.signal)
  try {
    await show.prepare()
    for (let round = 0; round === 0 || (keeps && !stopped.signal.aborted); round++) await show.act(round, seconds)
    const outcome = await show.settle()
    io.stdout(summaryText(outcome))
    return faultsOf(outcome).length === 0 ? exitCodes.done : exitCodes.bug
  } finally {
    await show.close()
  }
}

/** One run of the demo, with all that it has started. */
class Show {
  readonly #io: DemoIo
  readonly #until: number | undefined
  readonly #stopped: AbortSignal
  readonly #screen: Screen
  readonly #ledger = new Ledger()
  readonly #processes = new Map<DemoName, DemoProcess>()
  /** What they said before they were killed may still be on its way. */
  readonly #dead: DemoProcess[] = []
  readonly #rates = new Map(demoNames.map((name) => [name, new PerSecond()]))
  #node: DemoNode | undefined
  #sender: Sender | undefined
  #drawing: NodeJS.Timeout | undefined
  #begun = performance.now()
  #mostHeld = 0

  constructor(io: DemoIo, until: number | undefined, stopped: AbortSignal) {
    this.#io = io
    this.#until = until
    this.#stopped = stopped
    this.#screen = new Screen(io)
  }

  /** Starts the node, the instances and the users; no traffic yet. */
  async prepare(): Promise<void> {
    const { echo, users } = demoDomains
    this.#io.stdout(`Switchyard demo: three instances of ${echo}, one of them killed on the way.\n\n`)
    const node = await startDemoNode(this.#io.version, (line) => this.#logged(line))
    this.#node = node
    const { port, gateway, secrets } = node
    this.#io.stdout(
      `node      components connect at 127.0.0.1:${port}; metrics: http://127.0.0.1:${gateway.adminPort}/metrics\n`,
    )
    await Promise.all(demoNames.map((name) => this.#startInstance(name, node)))
    const processes = demoNames.map((name) => `${name} (process ${this.#processes.get(name)?.pid})`)
    this.#io.stdout(`instances ${processes.join(', ')}\n`)
    this.#sender = await Sender.start({ port, domain: users, secret: secrets.users, to: echo, ledger: this.#ledger })
    this.#io.stdout(`users     ${USERS} at ${users} send messages and requests; each user's own bucket echoes them\n\n`)
    this.#begun = performance.now()
    for (const rate of this.#rates.values()) rate.at(this.#begun, 0)
    this.#sender.begin()
    this.#drawing = setInterval(() => this.#draw(), this.#screen.interval)
  }

  /** One round: traffic, a death, a return, traffic. */
  async act(round: number, seconds: number): Promise<void> {
    const name = demoNames[(round + 1) % demoNames.length] ?? 'green'
    const quiet = seconds * 0.3
    const outage = Math.min(quiet, longestOutage)
    await this.#wait(quiet)
    if (this.#stopped.aborted) return
    await this.#kill(name)
    await this.#wait(outage)
    await this.#revive(name)
    await this.#wait((round + 1) * seconds - this.#seconds)
  }

  /** Ends the traffic, and waits for what is on its way; resolves with what became of everything. */
  async settle(): Promise<Outcome> {
    this.#sender?.end()
    const deadline = performance.now() + SETTLE_WITHIN
    let outcome = this.#outcome()
    while ((faultsOf(outcome).length > 0 || outcome.waitingInNode > 0) && performance.now() < deadline) {
      await pause(SETTLE_POLL)
      outcome = this.#outcome()
    }
    this.#draw()
    this.#endDrawing()
    return outcome
  }

  async close(): Promise<void> {
    this.#endDrawing()
    await Promise.all([...this.#processes.values()].map((running) => running.stop()))
    this.#sender?.stop()
    await this.#node?.gateway.stop()
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

  async #startInstance(name: DemoName, { port, secrets }: DemoNode): Promise<void> {
    const plan = { port, name, domain: demoDomains.echo, users: demoDomains.users, secret: secrets[name] }
    this.#processes.set(name, await DemoProcess.start(this.#io.program, plan))
  }

  async #kill(name: DemoName): Promise<void> {
    const running = this.#processes.get(name)
    if (running === undefined) return
    this.#say(`${name} is killed (SIGKILL to process ${running.pid})`)
    await running.kill()
    this.#processes.delete(name)
    this.#dead.push(running)
  }

  async #revive(name: DemoName): Promise<void> {
    if (this.#node === undefined) return
    this.#say(`${name} is started again`)
    await this.#startInstance(name, this.#node)
  }

  #logged(line: LogLine): void {
    // At this very moment the node knows: whatever it reads from now on is held and not in flight.
    if (line.code === 'instance-left' && line.domain === demoDomains.echo) this.#ledger.died(String(line.instance))
    if (line.code === 'hold-released') this.#mostHeld = Math.max(this.#mostHeld, Number(line.stanzas))
    const text = eventText(line)
    if (text !== undefined && this.#drawing !== undefined) this.#say(text)
  }

  #say(text: string): void {
    this.#screen.say(`${clockText(this.#seconds)} ${text}`)
  }

  #draw(): void {
    const view = this.#node?.gateway.view
    if (view === undefined) return
    const states = new Map(view.instances(demoDomains.echo)?.map(({ name, state }) => [name, state]))
    const held = view.domain(demoDomains.echo)?.held.stanzas ?? 0
    this.#mostHeld = Math.max(this.#mostHeld, held)
    const rows = demoNames.map((name): Row => {
      const read = this.#readOf(name)
      const rate = this.#rates.get(name)?.at(performance.now(), read) ?? 0
      return { name, state: states.get(name) ?? 'dead', bucket: demoBuckets[name], read, rate }
    })
    const frame: Frame = { seconds: this.#seconds, until: this.#until, rows, held, tally: this.#ledger.tally }
    this.#screen.show(frame)
  }

  #readOf(name: DemoName): number {
    const dead = this.#dead.filter((running) => running.name === name)
    return dead.reduce((sum, { read }) => sum + read, this.#processes.get(name)?.read ?? 0)
  }

  #outcome(): Outcome {
    const view = this.#node?.gateway.view
    const echo = view?.domain(demoDomains.echo)
    if (view === undefined || echo === undefined) throw new Error('the demo has no node')
    const delivered = new Map(view.instances(demoDomains.echo)?.map((instance) => [instance.name, instance.delivered]))
    return {
      tally: this.#ledger.tally,
      requestsWaiting: this.#ledger.requestsWaiting,
      mostHeld: this.#mostHeld,
      node: echo.counters,
      waitingInNode: echo.held.stanzas,
      toSender: view.instances(demoDomains.users)?.reduce((sum, instance) => sum + instance.delivered, 0) ?? 0,
      instances: [...this.#processes].map(([name, { read }]) => ({ name, read, delivered: delivered.get(name) ?? 0 })),
    }
  }
}
