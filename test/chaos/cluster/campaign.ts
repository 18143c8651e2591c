import { setTimeout as delay } from 'node:timers/promises'
import { type Library, Slot } from '../instances.ts'
import { type Ending, Ledger } from '../ledger.ts'
import { seeded } from '../random.ts'
import { Traffic } from '../traffic.ts'
import { type ClusterFault, clusterScheduleOf } from './faults.ts'
import type { ClusterNode, Delivery } from './node.ts'
import { type ClusterServer, type ClusterStage, DOMAIN, setClusterStage } from './stage.ts'
import { type ClusterVerdict, isOver, isTroubled, judgeCluster } from './verdict.ts'

export interface ClusterCampaignOptions {
  readonly server: ClusterServer
  readonly nodes: number
  readonly delivery: Delivery
  readonly seconds: number
  readonly seed: number
  /** Stanzas a second. */
  readonly rate: number
  /** Between two faults, in milliseconds, on the average. */
  readonly every: number
}

export interface ClusterCampaignResult {
  readonly server: ClusterServer
  readonly nodes: number
  readonly delivery: Delivery
  readonly seed: number
  readonly faults: Readonly<Record<string, number>>
  readonly verdict: ClusterVerdict
  /** What Switchyard says that it dropped, by reason; only of the nodes' last lives. */
  readonly dropped: Readonly<Record<string, number>>
  /** Instances and nodes that ended though no fault had touched them. */
  readonly unasked: readonly string[]
  /** What `/v1/cluster/consistency` found at the end, or that it did not answer. */
  readonly inconsistent: readonly string[]
  readonly logs: string
}

/** Two for each of three nodes, and two more than there are buckets: spares. */
const cast: readonly Library[] = ['raw', 'slixmpp', 'raw', 'stock', 'raw', 'raw']
const BUCKETS = 4
const USERS = 40
const ASK_EVERY_MS = 200
const WINDOW_BYTES = 128 * 1024
/** A node that is fenced may close its instances so long after what befell it was over. */
const AFTERMATH_MICROSECONDS = 15_000_000
/** After the faults everything must have come to its end within so long: a hung instance is closed within 15 s. */
const SETTLE_MS = 60_000
/** Somewhat more than a cluster task may take. */
const CONSISTENCY_WITHIN_MS = 40_000
const QUIET_MICROSECONDS = 2_000_000

/** Runs traffic and faults against nodes behind one server, and judges what became of every stanza. */
export async function runClusterCampaign(options: ClusterCampaignOptions): Promise<ClusterCampaignResult> {
  const { server, nodes: count, delivery, seconds, seed, rate, every } = options
  const ledger = new Ledger()
  const stage = await setClusterStage(
    { server, nodes: count, buckets: BUCKETS, delivery, windowBytes: WINDOW_BYTES, drainSeconds: 2 },
    ledger,
  )
  const slots = cast.map((library, index) => slotOn(stage, library, index, ledger))
  const traffic = new Traffic({
    ...{ port: stage.usersPort, domains: [DOMAIN], users: USERS },
    ...{ rate, random: seeded(seed + 1), ledger },
  })
  const faults = clusterScheduleOf({ seconds, nodes: count, slots: slots.length, random: seeded(seed), every })
  try {
    await Promise.all([traffic.connect(), ...slots.map((slot) => slot.start())])
    traffic.start()
    const happened = await strike(faults, slots, stage, seconds * 1000)
    traffic.pause()
    for (const slot of slots) slot.hush()
    await settle(ledger, delivery)
    const dropped = await droppedBy(stage.nodes)
    const inconsistent = await inconsistenciesOf(stage.nodes)
    const verdict = judgeCluster(ledger, { delivery, troubles: troublesOf(stage) })
    const unasked = [...slots, ...stage.nodes].flatMap((one) => one.unasked)
    const logs = stage.nodes.map((node) => node.logs()).join('\n')
    return { server, nodes: count, delivery, seed, faults: happened, verdict, dropped, unasked, inconsistent, logs }
  } finally {
    traffic.stop()
    await Promise.all(slots.map((slot) => slot.stop()))
    await stage.stop()
  }
}

/** Its instances connect to one node after the other, leaving out those that are away. */
function slotOn(stage: ClusterStage, library: Library, index: number, ledger: Ledger): Slot {
  const { nodes } = stage
  let next = index
  const dial = () => {
    for (let tried = 0; tried < nodes.length; tried++) {
      const node = nodes[next++ % nodes.length]!
      if (node.isUp) return node.port
    }
    return nodes[0]!.port
  }
  const reason = (port: number): Ending | undefined => {
    const node = nodes.find((one) => one.port === port)!
    const troubles = [...node.lives.flatMap((life) => life.troubles), ...stage.redis.troubles]
    return isTroubled(troubles, AFTERMATH_MICROSECONDS) || !node.isUp ? 'node' : undefined
  }
  return new Slot({
    ...{ name: `${index}-${library}`, domain: DOMAIN, library, port: dial, reason },
    ...{ askEvery: ASK_EVERY_MS, ledger },
  })
}

/** Lets the faults happen, each at its time; resolves when the run is over and everything is back. */
async function strike(
  faults: readonly ClusterFault[],
  slots: readonly Slot[],
  stage: ClusterStage,
  milliseconds: number,
): Promise<Readonly<Record<string, number>>> {
  const started = performance.now()
  const counts: Record<string, number> = {}
  const ends: Promise<unknown>[] = []
  for (const fault of faults) {
    await delay(Math.max(0, started + fault.at - performance.now()))
    const end = hit(fault, slots, stage)
    const what = end === undefined ? 'skipped' : fault.kind
    counts[what] = (counts[what] ?? 0) + 1
    ends.push(end ?? Promise.resolve())
  }
  await delay(Math.max(0, started + milliseconds - performance.now()))
  await Promise.all(ends)
  return counts
}

/** Resolves when the fault is over; undefined when what it was to hit is not there. */
function hit(fault: ClusterFault, slots: readonly Slot[], stage: ClusterStage): Promise<void> | undefined {
  switch (fault.kind) {
    case 'node-kill':
    case 'node-freeze':
    case 'node-pause': {
      const node = stage.nodes[fault.target]!
      const others = stage.nodes.filter((one) => one !== node && one.isUp)
      return node.isUp && others.length > 0 ? hitNode(fault, node) : undefined
    }
    case 'redis-kill':
    case 'redis-pause':
      return hitRedis(fault, stage)
    default: {
      const slot = slots[fault.target]!
      return slot.current === undefined ? undefined : hitSlot(fault, slot, stage)
    }
  }
}

async function hitNode({ kind, lasts, restartAfter }: ClusterFault, node: ClusterNode): Promise<void> {
  if (kind === 'node-kill') {
    await node.kill()
    await delay(restartAfter)
    return node.start()
  }
  node.freeze(kind === 'node-freeze' ? 'freeze' : 'pause')
  await delay(lasts)
  node.resume()
}

async function hitRedis({ kind, lasts, restartAfter }: ClusterFault, { redis }: ClusterStage): Promise<void> {
  if (kind === 'redis-kill') {
    await redis.kill()
    await delay(restartAfter)
    return redis.start()
  }
  redis.pause()
  await delay(lasts)
  redis.resume()
}

async function hitSlot({ kind, lasts, restartAfter }: ClusterFault, slot: Slot, stage: ClusterStage): Promise<void> {
  switch (kind) {
    case 'pause':
      slot.pause()
      await delay(lasts)
      return slot.resume()
    case 'hang':
      slot.end('stop', restartAfter)
      await delay(lasts)
      return slot.resume()
    case 'drain': {
      const { port, dialed } = slot
      slot.end('drain', restartAfter)
      const node = stage.nodes.find((one) => one.port === dialed)!
      if (!(await drain(node, port))) slot.close()
      return
    }
    default:
      slot.end(kind as Ending, restartAfter)
  }
}

/** False when the node could not be asked, or does not know the instance. */
async function drain(node: ClusterNode, remotePort: number): Promise<boolean> {
  const path = `/v1/domains/${DOMAIN}/instances`
  const found = await node.ask(path)
  if (found?.ok !== true) return false
  const { items } = (await found.json()) as { items: { name: string; remote?: string | null }[] }
  const instance = items.find(({ remote }) => remote?.endsWith(`:${remotePort}`))
  if (instance === undefined) return false
  const answer = await node.ask(`${path}/${encodeURIComponent(instance.name)}/drain`, 'POST')
  return answer !== undefined && (answer.ok || answer.status === 409)
}

async function settle(ledger: Ledger, delivery: Delivery): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  while (performance.now() < deadline) {
    if (ledger.quiet > QUIET_MICROSECONDS && isOver(ledger, delivery)) return
    await delay(500)
  }
}

function troublesOf({ nodes, redis }: ClusterStage) {
  return [...nodes.flatMap(({ lives }) => lives.flatMap(({ troubles }) => troubles)), ...redis.troubles]
}

async function droppedBy(nodes: readonly ClusterNode[]): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  for (const node of nodes) {
    const text = (await (await node.ask('/metrics'))?.text()) ?? ''
    for (const [, reason, value] of text.matchAll(
      /^switchyard_stanzas_dropped_total\{.*reason="(\w+)".*\} ([1-9]\d*)$/gm,
    )) {
      counts[reason!] = (counts[reason!] ?? 0) + Number(value)
    }
  }
  return counts
}

/** What the first node that can be asked says of all nodes' tables. */
async function inconsistenciesOf(nodes: readonly ClusterNode[]): Promise<readonly string[]> {
  const node = nodes.find((one) => one.isUp)
  const answer = await node?.ask('/v1/cluster/consistency', 'GET', CONSISTENCY_WITHIN_MS)
  if (answer?.ok !== true) return [`the check is answered with ${answer?.status ?? 'nothing'}`]
  const found = (await answer.json()) as { differences: { text: string }[]; silent: string[] }
  return [...found.differences.map(({ text }) => text), ...found.silent.map((name) => `${name} is silent`)]
}
