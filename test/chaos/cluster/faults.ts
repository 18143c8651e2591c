import { between, pick, type Random } from '../random.ts'

/**
 * `node-kill` SIGKILL, and the same name started again; `node-freeze` SIGSTOP until well after the lease has run out,
 * `node-pause` not so long; `redis-kill` SIGKILL, and started again with nothing in it; `redis-pause` SIGSTOP. The
 * others hit an instance, as in a campaign of one node.
 */
export type ClusterFaultKind =
  | 'node-kill'
  | 'node-freeze'
  | 'node-pause'
  | 'redis-kill'
  | 'redis-pause'
  | 'kill'
  | 'pause'
  | 'hang'
  | 'reset'
  | 'close'
  | 'drain'

export interface ClusterFault {
  /** Milliseconds after the traffic began. */
  readonly at: number
  readonly kind: ClusterFaultKind
  /** The index of the node or of the slot that it hits. */
  readonly target: number
  readonly lasts: number
  /** How long what was hit stays away afterwards, in milliseconds. */
  readonly restartAfter: number
}

export interface ClusterScheduleOptions {
  readonly seconds: number
  readonly nodes: number
  readonly slots: number
  readonly random: Random
  /** Between two faults, in milliseconds, on the average. */
  readonly every: number
}

const onInstances: readonly ClusterFaultKind[] = ['kill', 'kill', 'pause', 'hang', 'reset', 'close', 'drain']
const onNodes: readonly ClusterFaultKind[] = ['node-kill', 'node-kill', 'node-freeze', 'node-pause', 'redis-pause']
const onRedis: readonly ClusterFaultKind[] = ['redis-kill', 'redis-kill', 'redis-pause', 'node-pause']

/**
 * Nodes die in one season, and Redis forgets in the next, with a calm between them in which only instances are hit: a
 * stanza is in the node that read it and in Redis, and nothing survives the loss of both at once.
 */
const SEASON_MS = 30_000
const CALM_MS = 15_000
/** A node that was hit, from then to when it can be counted on again: at the least, its lease must have run out. */
const NODE_AWAY_MS = 10_000
const HANG_MS = 18_000

/** The faults of a run, by time: a function of the seed and the options alone. One node at the least is always left. */
export function clusterScheduleOf(options: ClusterScheduleOptions): readonly ClusterFault[] {
  const { seconds, nodes, slots, random, every } = options
  const end = seconds * 1000
  const season = Math.min(SEASON_MS, Math.max(5000, (end - CALM_MS) / 2))
  const awayUntil = Array<number>(nodes).fill(0)
  let redisAwayUntil = 0
  const faults: ClusterFault[] = []
  for (let at = 1000 + gap(random, every); at < end - 1000; at += gap(random, every)) {
    const kinds = kindsAt(at, season)
    const drawn = pick(random, random() < 0.5 ? kinds : onInstances)
    const node = between(random, 0, nodes - 1)
    const isHit = drawn.startsWith('node-')
    const othersUp = awayUntil.filter((until, index) => index !== node && until <= at).length
    const isAllowed = isHit
      ? othersUp > 0 && awayUntil[node]! <= at
      : !drawn.startsWith('redis-') || redisAwayUntil <= at
    const kind = isAllowed ? drawn : pick(random, onInstances)
    const fault: ClusterFault = {
      ...{ at, kind: kind === 'hang' && at + HANG_MS > end ? 'pause' : kind },
      target: kind.startsWith('node-') ? node : between(random, 0, slots - 1),
      lasts: lastsFor(kind, random),
      restartAfter: between(random, 0, kind === 'node-kill' ? 5000 : 1500),
    }
    faults.push(fault)
    if (kind.startsWith('node-')) awayUntil[node] = at + fault.lasts + fault.restartAfter + NODE_AWAY_MS
    if (kind.startsWith('redis-')) redisAwayUntil = at + fault.lasts + fault.restartAfter + 5000
  }
  return faults
}

function kindsAt(at: number, season: number): readonly ClusterFaultKind[] {
  const inYear = at % (2 * (season + CALM_MS))
  if (inYear < season) return onNodes
  if (inYear < season + CALM_MS) return onInstances
  return inYear < 2 * season + CALM_MS ? onRedis : onInstances
}

function lastsFor(kind: ClusterFaultKind, random: Random): number {
  if (kind === 'hang') return HANG_MS
  if (kind === 'node-freeze') return between(random, 6000, 12_000)
  if (kind === 'node-kill') return 0
  return between(random, 200, 3000)
}

/** Times between events that come at random (a Poisson process). */
function gap(random: Random, every: number): number {
  return Math.round(-Math.log(1 - random()) * every)
}
