import { fileURLToPath } from 'node:url'
import { type RunningProcess, startProcess } from '../peers/process.ts'
import type { Ending, Incarnation, Ledger } from './ledger.ts'
import { type InstanceOptions, parseReport, SECRET } from './wire.ts'

export const libraries = ['raw', 'stock', 'slixmpp'] as const
export type Library = (typeof libraries)[number]

/** A place for an instance: when one ends there, another is started. */
export interface SlotOptions {
  readonly name: string
  readonly domain: string
  readonly library: Library
  /** Where instances connect: asked for each. */
  readonly port: number | (() => number)
  /** As `InstanceOptions.askEvery`. */
  readonly askEvery: number
  readonly ledger: Ledger
  /** Why a stream has ended that no fault of the slot's own did end; undefined when there is no reason. */
  readonly reason?: (port: number) => Ending | undefined
}

const here = (file: string) => fileURLToPath(new URL(file, import.meta.url))
const node = (file: string) => ({ command: process.execPath, args: ['--import', 'tsx', here(file)] })
const programs = {
  raw: { ...node('instance-raw.ts'), debianPackage: 'nodejs', needs: [process.execPath] },
  stock: { ...node('instance-stock.ts'), debianPackage: 'nodejs', needs: [process.execPath] },
  slixmpp: {
    command: '/usr/bin/python3',
    args: [here('instance_slixmpp.py')],
    debianPackage: 'python3-slixmpp',
    needs: ['/usr/bin/python3', '/usr/lib/python3/dist-packages/slixmpp'],
  },
} as const satisfies Record<Library, object>

/** One slot's instances, one after the other, each a process of its own, so that signals are real. */
export class Slot {
  readonly options: SlotOptions
  readonly incarnations: Incarnation[] = []
  #process: RunningProcess | undefined
  #port = 0
  #dialed = 0
  #isOver = false
  #isHushed = false
  #restartAfter = 0
  #timer: NodeJS.Timeout | undefined
  /** Instances that ended though no fault had touched them, with the last that their processes said. */
  readonly unasked: string[] = []

  constructor(options: SlotOptions) {
    this.options = options
  }

  /** Resolves once the instance is in. */
  async start(): Promise<void> {
    const { name, domain, library, port, askEvery, ledger } = this.options
    const incarnation: Incarnation = { name: `${name}.${this.incarnations.length + 1}`, ending: 'alive' }
    const dialed = typeof port === 'number' ? port : port()
    const options: InstanceOptions = {
      port: dialed,
      domain,
      secret: SECRET,
      name: incarnation.name,
      askEvery: this.#isHushed ? 0 : askEvery,
    }
    const { command, args, debianPackage, needs } = programs[library]
    const running = await startProcess({
      ...{ name: `instance ${incarnation.name}`, debianPackage, needs, command, cwd: here('../..') },
      args: [...args, JSON.stringify(options)],
      env: { PYTHONDONTWRITEBYTECODE: '1' },
      readyWhen: [/^ready /],
      onLine: (line) => this.#read(incarnation, ledger, line),
    })
    this.#dialed = dialed
    this.incarnations.push(incarnation)
    if (this.#isOver) return running.kill()
    this.#process = running
    running.exited.then(() => this.#ended(incarnation, running))
  }

  /** Who is in now and untouched by a fault: undefined while one ends or starts. */
  get current(): Incarnation | undefined {
    const last = this.incarnations.at(-1)
    return this.#process !== undefined && last?.ending === 'alive' ? last : undefined
  }
  /** From where the current instance is connected. */
  get port(): number {
    return this.#port
  }
  /** To where. */
  get dialed(): number {
    return this.#dialed
  }

  /**
   * The current instance meets its end (a drain is for the caller to ask for); the next one is started `restartAfter`
   * milliseconds after it.
   */
  end(ending: Ending, restartAfter: number): void {
    const incarnation = this.current
    if (incarnation === undefined) return
    incarnation.ending = ending
    this.#restartAfter = restartAfter
    if (ending === 'kill') this.#process?.kill()
    if (ending === 'close' || ending === 'reset') this.#process?.write(`${ending}\n`)
    if (ending === 'stop') this.#process?.pause()
  }

  /** The instance ends its stream in order, whatever it was to meet. */
  close(): void {
    this.#process?.write('close\n')
  }

  /** No more requests from here, of this instance or the next. */
  hush(): void {
    this.#isHushed = true
    this.#process?.write('hush\n')
  }

  /** SIGSTOP to one that will go on as it was. */
  pause(): void {
    this.#process?.pause()
  }

  /** SIGCONT. */
  resume(): void {
    this.#process?.resume()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    clearTimeout(this.#timer)
    await this.#process?.kill()
  }

  #read(incarnation: Incarnation, ledger: Ledger, line: string): void {
    const report = parseReport(line)
    if (report === undefined) return
    if (report.what === 'ready') this.#port = report.port
    else if (report.what === 'got') ledger.deliver(report.name, incarnation, report.time)
    else if (report.what === 'asked') ledger.ask(report.name, incarnation)
    else ledger.askAnswered(report.name, incarnation)
  }

  #ended(incarnation: Incarnation, running: RunningProcess): void {
    this.#process = undefined
    if (this.#isOver) return
    const reason = incarnation.ending === 'alive' ? this.options.reason?.(this.#dialed) : undefined
    if (reason !== undefined) incarnation.ending = reason
    if (incarnation.ending === 'alive') {
      incarnation.ending = 'unasked'
      const said = running
        .logs()
        .split('\n')
        .filter((line) => parseReport(line) === undefined)
      this.unasked.push(`${incarnation.name}: ${said.slice(-10).join(' | ')}`)
    }
    this.#timer = setTimeout(() => this.#restart(), this.#restartAfter)
    this.#restartAfter = 0
  }

  #restart(): void {
    this.start().catch(() => {
      this.#restartAfter = 500
      if (!this.#isOver) this.#timer = setTimeout(() => this.#restart(), this.#restartAfter)
    })
  }
}
