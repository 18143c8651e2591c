import { type ChildProcess, spawn } from 'node:child_process'

/** What it needs from the process. */
export interface ServiceManagerIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly pid: number
  /** CLOCK_MONOTONIC, in nanoseconds. */
  readonly monotonic: () => bigint
}

/** Gives systemd-notify what each line says, with tabs between. It ends with us, as its input does. */
const CARRIER = `IFS='\t'; set -f; while read -r line; do systemd-notify $line || exit; done`
/** In bytes: a carrier that has so much before it does not come on, and is given no more signs of life. */
const MOST_WAITING = 4096

/**
 * Tells systemd what the node does, as sd_notify(3) says, where systemd has asked for it (`Type=notify`). The socket for
 * that takes datagrams, which Node has none for: each message is carried by systemd's own program, so the unit has
 * `NotifyAccess=all`. A shell that is started while we are small calls it: to fork a node of 800 MB takes 60 ms, in which
 * nothing is routed.
 */
export class ServiceManager {
  readonly #io: ServiceManagerIo
  readonly #failed: (reason: string) => void
  readonly #watchdog: NodeJS.Timeout | undefined
  #carrier: ChildProcess | undefined
  #isTold = false
  #isStopping = false

  /** @param failed told of the first message that could not be sent, and of no more */
  constructor(io: ServiceManagerIo, failed: (reason: string) => void) {
    this.#io = io
    this.#failed = failed
    if (!io.env.NOTIFY_SOCKET) return
    this.#carrier = this.#startCarrier()
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

  /** Nothing is told any more; what was is carried to its end. */
  end(): void {
    clearInterval(this.#watchdog)
    this.#carrier?.stdin?.end()
    this.#carrier = undefined
  }

  #beat(): void {
    if ((this.#carrier?.stdin?.writableLength ?? 0) < MOST_WAITING) this.#send('WATCHDOG=1')
  }

  #send(...assignments: readonly string[]): void {
    this.#carrier?.stdin?.write(`${assignments.join('\t')}\n`)
  }

  /** One that fails is not replaced: what it could not do, the next one could not. The watchdog, if any, notices. */
  #startCarrier(): ChildProcess {
    const { NOTIFY_SOCKET, PATH } = this.#io.env
    // With nothing of our environment that need not be there: it may hold secrets.
    const env = { NOTIFY_SOCKET, PATH }
    const carrier = spawn('/bin/sh', ['-c', CARRIER], { env, stdio: ['pipe', 'ignore', 'pipe'] })
    let complaint = ''
    carrier.stderr.on('data', (text) => {
      complaint = `${complaint}${text}`.slice(0, MOST_WAITING)
    })
    carrier.on('error', (error) => this.#fail(error.message))
    carrier.on('close', (code, signal) => {
      if (code !== 0) this.#fail(complaint.trim() || `the shell for systemd-notify ended: ${signal ?? code}`)
    })
    // It has gone: that has been told.
    carrier.stdin.on('error', () => {})
    return carrier
  }

  #fail(reason: string): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#failed(reason)
  }
}

/** sd_watchdog_enabled(3): how often a sign of life is due; undefined where nobody waits for one of this process. */
function watchdogMilliseconds({ env, pid }: ServiceManagerIo): number | undefined {
  const microseconds = Number(env.WATCHDOG_USEC)
  const isOurs = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === `${pid}`
  return isOurs && Number.isSafeInteger(microseconds) && microseconds > 0 ? microseconds / 1000 : undefined
}
