import { execFile } from 'node:child_process'

/** What it needs from the process. */
export interface ServiceManagerIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  /** CLOCK_MONOTONIC, in nanoseconds. */
  readonly monotonic: () => bigint
}

/** The program that is given a message, and how long it may take: it waits for the service manager to have read it. */
const NOTIFY = 'systemd-notify'
const NOTIFY_MILLISECONDS = 10_000

/**
 * Tells systemd what the node does, as sd_notify(3) says, where systemd has asked for it (`Type=notify`). The socket for
 * that takes datagrams, which Node has none for: each message is carried by systemd's own program, so the unit has
 * `NotifyAccess=all`. They arrive in order.
 */
export class ServiceManager {
  readonly #io: ServiceManagerIo
  readonly #failed: (error: Error) => void
  readonly #watchdog: NodeJS.Timeout | undefined
  #last: Promise<void> = Promise.resolve()
  #pending = 0
  #isTold = false
  #isStopping = false

  /** @param failed told of the first message that could not be sent, and of no more */
  constructor(io: ServiceManagerIo, failed: (error: Error) => void) {
    this.#io = io
    this.#failed = failed
    const period = watchdogMilliseconds(io)
    if (period === undefined) return
    // Twice in the time that it is given. It is the event loop that asks: one that stands still says nothing.
    this.#watchdog = setInterval(() => this.#beat(), period / 2)
    this.#beat()
  }

  ready(status: string): void {
    if (!this.#isStopping) this.#send('READY=1', `STATUS=${status}`)
  }

  /** Until `ready` is said again. */
  reloading(): void {
    const at = this.#io.monotonic() / 1000n
    if (!this.#isStopping) this.#send('RELOADING=1', `MONOTONIC_USEC=${at}`, 'STATUS=reads its configuration anew')
  }

  /** The last that is said: a reload that is still going on is of no interest any more. */
  stopping(): void {
    this.#isStopping = true
    this.#send('STOPPING=1', 'STATUS=drains')
  }

  /** The watchdog is told nothing any more. */
  end(): void {
    clearInterval(this.#watchdog)
  }

  /** Not behind another message: when that one arrives it says the same. */
  #beat(): void {
    if (this.#pending === 0) this.#send('WATCHDOG=1')
  }

  #send(...assignments: readonly string[]): void {
    if (!this.#io.env.NOTIFY_SOCKET) return
    this.#pending++
    const done = this.#last.then(() => this.#notify(assignments))
    this.#last = done.finally(() => this.#pending--)
  }

  /** Resolves in any case: nobody serves worse because systemd does not know. */
  #notify(assignments: readonly string[]): Promise<void> {
    const { NOTIFY_SOCKET, PATH } = this.#io.env
    return new Promise((resolve) => {
      // With nothing of our environment that need not be there: it may hold secrets.
      const options = { env: { NOTIFY_SOCKET, PATH }, timeout: NOTIFY_MILLISECONDS }
      execFile(NOTIFY, assignments, options, (error) => {
        if (error !== null) this.#fail(error)
        resolve()
      })
    })
  }

  #fail(error: Error): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#failed(error)
  }
}

/** sd_watchdog_enabled(3): how often a sign of life is due; undefined where nobody waits for one of this process. */
function watchdogMilliseconds({ env, pid }: ServiceManagerIo): number | undefined {
  const microseconds = Number(env.WATCHDOG_USEC)
  const isOurs = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === `${pid}`
  return isOurs && Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : undefined
}
