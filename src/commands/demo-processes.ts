import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { SwitchyardError } from '../errors.ts'
import type { InstancePlan } from './demo-instance.ts'

/** Time for a process to start and log in, in milliseconds: a loaded machine takes long to start Node. */
const ONLINE_WITHIN = 20_000
const GONE_WITHIN = 2_000

/** An instance of the demo: a process of its own. */
export class DemoProcess {
  readonly name: string
  readonly #child: ChildProcess
  #read = 0
  #port: number | undefined

  /** Resolves when the instance is online. */
  static async start(program: string, plan: InstancePlan): Promise<DemoProcess> {
    const started = new DemoProcess(program, plan)
    await started.#online(plan)
    return started
  }

  private constructor(program: string, plan: InstancePlan) {
    this.name = plan.name
    this.#child = fork(program, ['demo-instance'], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#child.on('message', (report) => {
      const read = fieldOf(report, 'read')
      if (typeof read === 'number') this.#read = read
      const port = fieldOf(report, 'port')
      if (typeof port === 'number') this.#port = port
    })
    // One that dies may leave a message to it unsent.
    this.#child.on('error', () => {})
    this.#child.send(plan, () => {})
  }

  get pid(): number | undefined {
    return this.#child.pid
  }
  /** Stanzas of users that it says it has read. */
  get read(): number {
    return this.#read
  }

  /** Where it is connected, or was last. */
  get port(): number | undefined {
    return this.#port
  }

  /** As a crash. Resolves when the process is gone. */
  async kill(): Promise<void> {
    const gone = this.#gone()
    this.#child.kill('SIGKILL')
    await gone
  }

  /** It ends when it sees that nobody listens to it any more. */
  async stop(): Promise<void> {
    const gone = this.#gone()
    if (this.#child.connected) this.#child.disconnect()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), GONE_WITHIN)
    await gone
    clearTimeout(timer)
  }

  async #gone(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit')
  }

  async #online({ name }: InstancePlan): Promise<void> {
    const child = this.#child
    const timer = setTimeout(() => child.kill('SIGKILL'), ONLINE_WITHIN)
    try {
      await new Promise<void>((resolve, reject) => {
        const fail = (why: string) =>
          reject(new SwitchyardError('bug', `the instance ${name} did not get online: ${why}`))
        child.on('message', (report) => {
          if (fieldOf(report, 'online') === true) resolve()
          const failed = fieldOf(report, 'failed')
          if (failed !== undefined) fail(String(failed))
        })
        child.once('exit', (code, signal) => fail(`its process ended (${code ?? signal})`))
      })
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}

function fieldOf(report: unknown, name: string): unknown {
  return typeof report === 'object' && report !== null && name in report ? Reflect.get(report, name) : undefined
}
