import { setTimeout as delay } from 'node:timers/promises'
import { until } from '../chaos/cluster/until.ts'
import { pick, type Random } from '../chaos/random.ts'
import type { Redis } from '../peers/redis.ts'
import { attack } from './hostile.ts'
import type { SoakInstance } from './instance.ts'
import type { SoakNode } from './node.ts'
import type { Questions, Tally } from './tally.ts'
import type { Channel, Traffic } from './traffic.ts'

/**
 * `kill` and `hang` an instance; `drain` one by the admin route, which comes back; `link-reset` the server's connection
 * goes with a TCP reset, `link-garbage` it sends what no stream may hold; `reload` SIGHUP with a changed configuration;
 * `burst` ten times the rate for five seconds; `hostile` two dozen connections that break rules; `redis` SIGKILL to Redis,
 * which comes back empty.
 */
export const faultKinds = ['kill', 'drain', 'link-reset', 'hang', 'hostile', 'burst', 'reload', 'link-garbage'] as const
export const clusterFaultKinds = [...faultKinds, 'redis'] as const
export type FaultKind = (typeof clusterFaultKinds)[number]

/** What the faults may touch. */
export interface Scene {
  readonly nodes: readonly SoakNode[]
  readonly redis: Redis | undefined
  readonly channels: readonly Channel[]
  readonly instances: readonly SoakInstance[]
  readonly traffic: Traffic
  readonly tally: Tally
  readonly questions: Questions
  readonly random: Random
}

/** A node suspects at 5 s and closes at 15 s; one that is read again before that was none. */
const HANG_MS = 20_000
/** How long a socket that is read again may take to say that it was closed meanwhile. */
const LATE_MS = 5000
const BURST_MS = 5000
const BURST_FACTOR = 10
const REDIS_AWAY_MS = 2000

/** Every kind in turn, each round in another order: a function of the seed. */
export function* inTurn(kinds: readonly FaultKind[], random: Random): Generator<FaultKind, never> {
  for (;;) {
    const left = [...kinds]
    while (left.length > 0) {
      const next = pick(random, left)
      left.splice(left.indexOf(next), 1)
      yield next
    }
  }
}

/** Lets one fault happen, and resolves when what it broke is whole again; rejects when it is not in time. */
export async function strike(kind: FaultKind, scene: Scene): Promise<void> {
  switch (kind) {
    case 'kill':
      return killed(scene)
    case 'hang':
      return hung(scene)
    case 'drain':
      return drained(scene)
    case 'link-reset':
      return linkLost(scene, (link) => link.reset())
    case 'link-garbage':
      return linkLost(scene, (link) => link.send('<message><!-- no comments --></message>', 0))
    case 'reload':
      return reloaded(scene)
    case 'burst':
      scene.traffic.factor = BURST_FACTOR
      await delay(BURST_MS)
      scene.traffic.factor = 1
      return
    case 'hostile':
      await attack(pick(scene.random, scene.nodes).port)
      return
    case 'redis':
      return redisLost(scene)
  }
}

function someInstance({ instances, random }: Scene): SoakInstance {
  return pick(
    random,
    instances.filter(({ isWell }) => isWell),
  )
}

async function killed(scene: Scene): Promise<void> {
  const instance = someInstance(scene)
  instance.kill()
  await instance.whenOut()
  await instance.whenIn()
}

async function hung(scene: Scene): Promise<void> {
  const instance = someInstance(scene)
  instance.hang()
  await delay(HANG_MS)
  instance.resume()
  // A spare is sent nothing, and owes no answer: nobody has noticed, and it goes on as it was.
  await Promise.race([instance.whenOut(), delay(LATE_MS)])
  instance.recover()
  await instance.whenIn()
}

async function drained(scene: Scene): Promise<void> {
  const instance = someInstance(scene)
  instance.touch()
  await scene.nodes[instance.options.node]!.drain(instance.options.domain, instance.localPort)
  await instance.whenOut()
  await instance.whenIn()
}

async function linkLost(scene: Scene, lose: (link: Awaited<ReturnType<Channel['shut']>>) => void): Promise<void> {
  const channel = pick(scene.random, scene.channels)
  const link = await channel.shut()
  // What is on its way between the node and us when the connection goes is lost by the server, or by the kernel.
  scene.tally.excuse()
  scene.questions.excuse()
  lose(link)
  await until('a link that was reset went down', () => !link.isOpen)
  await until('a link was up again', () => channel.link !== undefined)
  channel.isShut = false
}

async function reloaded({ nodes, random }: Scene): Promise<void> {
  const node = pick(random, nodes)
  const before = await reloadsOf(node)
  node.reload()
  for (let looks = 0; (await reloadsOf(node)) <= before; looks++) {
    if (looks > 100) throw new Error(`${node.name} did not reload`)
    await delay(100)
  }
}

async function reloadsOf(node: SoakNode): Promise<number> {
  return (await node.metrics()).get('switchyard_config_reloads_total{result="ok"}') ?? 0
}

async function redisLost({ redis, nodes }: Scene): Promise<void> {
  if (redis === undefined) throw new Error('there is no Redis')
  await redis.kill()
  await delay(REDIS_AWAY_MS)
  await redis.start()
  for (const node of nodes) {
    for (let looks = 0; !(await isInCluster(node, nodes.length)); looks++) {
      if (looks > 300) throw new Error(`${node.name} did not find the others again`)
      await delay(100)
    }
  }
}

async function isInCluster(node: SoakNode, nodes: number): Promise<boolean> {
  const metrics = await node.metrics()
  return metrics.get('switchyard_cluster_up') === 1 && metrics.get('switchyard_cluster_nodes') === nodes
}
