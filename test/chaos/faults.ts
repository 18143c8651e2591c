import { between, pick, type Random } from './random.ts'

/**
 * `kill` SIGKILL; `pause` SIGSTOP and, before anybody takes it amiss, SIGCONT; `hang` SIGSTOP until well after Switchyard
 * has closed it, then SIGCONT; `reset` a TCP reset; `close` `</stream:stream>`; `drain` the admin route. `restart` is the
 * XMPP server's.
 */
export const faultKinds = ['kill', 'pause', 'hang', 'reset', 'close', 'drain'] as const
export type FaultKind = (typeof faultKinds)[number] | 'restart'

export interface Fault {
  /** Milliseconds after the traffic began. */
  readonly at: number
  readonly kind: FaultKind
  /** The index of the slot that it hits; -1 for the server. */
  readonly slot: number
  /** How long a `pause` or `hang` lasts, in milliseconds. */
  readonly lasts: number
  /** How long the slot stays empty afterwards, in milliseconds. */
  readonly restartAfter: number
}

export interface ScheduleOptions {
  readonly seconds: number
  readonly slots: number
  readonly random: Random
  /** Between two faults, in milliseconds, on the average. */
  readonly every: number
  /** Whether there is a server to restart. */
  readonly hasServer: boolean
}

const HANG_MS = 18_000
const weighted: readonly FaultKind[] = [
  'kill',
  'kill',
  'kill',
  'pause',
  'pause',
  'hang',
  'reset',
  'reset',
  'close',
  'close',
  'drain',
  'drain',
]

/** The faults of a run, by time: a function of the seed and the options alone. */
export function scheduleOf({ seconds, slots, random, every, hasServer }: ScheduleOptions): readonly Fault[] {
  const end = seconds * 1000
  const faults: Fault[] = []
  for (let at = 1000 + gap(random, every); at < end - 1000; at += gap(random, every)) {
    const drawn = pick(random, weighted)
    // One that could not be seen to its end within the run is a short one.
    const kind = drawn === 'hang' && at + HANG_MS > end ? 'pause' : drawn
    const lasts = kind === 'hang' ? HANG_MS : between(random, 200, 3000)
    const slot = between(random, 0, slots - 1)
    faults.push({ at, kind, slot, lasts, restartAfter: between(random, 0, 1500) })
  }
  if (!hasServer) return faults
  const restart: Fault = {
    at: Math.round(end * (0.4 + random() * 0.2)),
    kind: 'restart',
    slot: -1,
    lasts: 0,
    restartAfter: 0,
  }
  return [...faults, restart].sort((a, b) => a.at - b.at)
}

/** Times between events that come at random (a Poisson process). */
function gap(random: Random, every: number): number {
  return Math.round(-Math.log(1 - random()) * every)
}
