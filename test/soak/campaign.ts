import { setTimeout as delay } from 'node:timers/promises'
import { seeded } from '../chaos/random.ts'
import { type Redis, startRedis } from '../peers/redis.ts'
import { clusterFaultKinds, type FaultKind, faultKinds, inTurn, type Scene, strike } from './faults.ts'
import { SoakInstance } from './instance.ts'
import { domains, SoakNode } from './node.ts'
import { accountsIn, type Sample, sampleOf } from './samples.ts'
import { Questions, Tally } from './tally.ts'
import { Channel, Traffic } from './traffic.ts'
import type { SoakResult } from './verdict.ts'

export interface SoakOptions {
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly seed: number
  /** 1, or more about a Redis. */
  readonly nodes: number
  /** Stanzas a second. */
  readonly rate: number
  /** Seconds between two faults. */
  readonly faultEvery: number
  /** Seconds between two looks at each node. */
  readonly sampleEvery: number
  /** Which kinds of fault there are; absent: all that there can be. */
  readonly kinds?: readonly FaultKind[]
  /** Ends the traffic before its time; what there is then is judged. */
  readonly signal?: AbortSignal
  /** Told of what happens, a line each. */
  readonly say?: (line: string) => void
}

/** Between two requests of an instance to the users. */
const ASK_EVERY_MS = 500
/** One more than there are buckets: a spare. In a cluster, so many at each node. */
const INSTANCES = [4, 3] as const
const INSTANCES_OF_A_NODE = 2
/** After the traffic everything must have come to its end within so long: a hung instance is closed within 15 s. */
const SETTLE_MS = 75_000
const QUIET_MS = 1500

interface Stage extends Scene {
  stop(): Promise<void>
}

/** Traffic, faults and looks for so long; what came of it. Throws only when it cannot begin, or end. */
export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const stage = await setStage(options)
  const { nodes, instances, traffic, tally, questions } = stage
  const run = new Run(options, stage)
  try {
    const before = await descriptorsOf(nodes)
    const began = new Date()
    traffic.start()
    await run.go()
    traffic.stop()
    for (const instance of instances) instance.hush()
    await settle(tally, questions, nodes)
    const after = await descriptorsOf(nodes)
    const accounts = await Promise.all(
      nodes.map(async (node) => [node.name, accountsIn(await node.metrics())] as const),
    )
    return {
      ...{ seed: options.seed, nodes: options.nodes, rate: options.rate, warmUpSeconds: options.warmUpSeconds },
      ...{ began: began.toISOString(), seconds: run.seconds, faults: run.faults, samples: run.samples },
      troubles: [...run.troubles, ...endsOf(stage)],
      ...{ tally: tally.totals(), asked: questions.totals() },
      descriptors: Object.fromEntries(
        nodes.map(({ name }, index) => [name, { before: before[index]!, after: after[index]! }]),
      ),
      accounts: Object.fromEntries(accounts),
    }
  } finally {
    await stage.stop()
  }
}

/** What happens while there is traffic: faults, one after the other, and looks, whatever the faults do. */
class Run {
  readonly faults: Record<string, number> = {}
  readonly troubles: string[] = []
  readonly samples: Sample[] = []
  seconds = 0
  readonly #options: SoakOptions
  readonly #stage: Stage
  readonly #started = performance.now()

  constructor(options: SoakOptions, stage: Stage) {
    this.#options = options
    this.#stage = stage
  }

  async go(): Promise<void> {
    const { seconds, signal } = this.#options
    // Not AbortSignal.any of a timeout: Node 20 forgets such a one when it collects garbage.
    const end = new AbortController()
    const timer = setTimeout(() => end.abort(), seconds * 1000)
    signal?.addEventListener('abort', () => end.abort(), { once: true })
    await Promise.all([this.#strike(end.signal), this.#look(end.signal)])
    clearTimeout(timer)
    this.seconds = (performance.now() - this.#started) / 1000
  }

  async #strike(over: AbortSignal): Promise<void> {
    const { kinds = this.#options.nodes === 1 ? faultKinds : clusterFaultKinds, faultEvery, say } = this.#options
    for (const kind of inTurn(kinds, this.#stage.random)) {
      if (await isOver(faultEvery * 1000, over)) return
      say?.(`${this.#at().toFixed(0)} s: ${kind}`)
      this.faults[kind] = (this.faults[kind] ?? 0) + 1
      try {
        await strike(kind, this.#stage)
      } catch (error) {
        this.#trouble(`${kind} at ${this.#at().toFixed(0)} s: ${error instanceof Error ? error.message : error}`)
      }
    }
  }

  async #look(over: AbortSignal): Promise<void> {
    do {
      for (const node of this.#stage.nodes) {
        try {
          this.samples.push(await sampleOf(node, this.#at()))
        } catch (error) {
          this.#trouble(`${node.name} did not answer at ${this.#at().toFixed(0)} s: ${error}`)
        }
      }
    } while (!(await isOver(this.#options.sampleEvery * 1000, over)))
  }

  #at(): number {
    return (performance.now() - this.#started) / 1000
  }

  #trouble(text: string): void {
    this.troubles.push(text)
    this.#options.say?.(text)
  }
}

/** Waits; true when it was over before that time had passed. */
async function isOver(milliseconds: number, over: AbortSignal): Promise<boolean> {
  await delay(milliseconds, undefined, { signal: over }).catch(() => {})
  return over.aborted
}

async function setStage({ nodes: count, rate, seed }: SoakOptions): Promise<Stage> {
  const [tally, questions] = [new Tally(), new Questions()]
  const channels: Channel[] = []
  const nodes: SoakNode[] = []
  const instances: SoakInstance[] = []
  let redis: Redis | undefined
  const stop = async () => {
    for (const instance of instances) instance.stop()
    await Promise.all(nodes.map((node) => node.stop()))
    for (const channel of channels) channel.close()
    await redis?.stop()
  }
  try {
    redis = count === 1 ? undefined : await startRedis()
    for (let node = 0; node < count; node++) {
      const own: Channel[] = []
      for (const domain of domains.keys()) own.push(await Channel.open(domain, node, tally))
      channels.push(...own)
      const upstreamPorts = own.map(({ port }) => port)
      nodes.push(await SoakNode.start({ name: `yard-${node + 1}`, upstreamPorts, redisUrl: redis?.url }))
    }
    for (const [index, domain] of domains.entries()) {
      for (let one = 0; one < (count === 1 ? INSTANCES[index]! : INSTANCES_OF_A_NODE * count); one++) {
        const node = one % count
        const options = { name: `${index}-${one}`, domain, node, port: nodes[node]!.port, askEvery: ASK_EVERY_MS }
        instances.push(new SoakInstance({ ...options, tally, questions }))
      }
    }
    await Promise.all(instances.map((instance) => instance.start()))
    await linked(channels)
  } catch (error) {
    await stop()
    throw error
  }
  const traffic = new Traffic({ channels, nodes: count, rate, random: seeded(seed + 1), tally })
  return { nodes, redis, channels, instances, traffic, tally, questions, random: seeded(seed), stop }
}

/** Links are opened when the first instance of a domain asks, or at once: all are up. */
async function linked(channels: readonly Channel[]): Promise<void> {
  for (let looks = 0; !channels.every(({ link }) => link !== undefined); looks++) {
    if (looks > 300) throw new Error('a node did not open its link')
    await delay(100)
  }
}

/** Until every stanza has come to its end, and no node keeps one: what an instance has read is kept until it is confirmed. */
async function settle(tally: Tally, questions: Questions, nodes: readonly SoakNode[]): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  while (performance.now() < deadline) {
    const held = (await Promise.all(nodes.map((node) => node.domains()))).flat().map((domain) => domain.held.stanzas)
    if (tally.open === 0 && questions.open === 0 && tally.quiet > QUIET_MS && held.every((stanzas) => stanzas === 0))
      return
    await delay(250)
  }
}

/** The least of several looks: a connection that is just ending is not one that stays. */
async function descriptorsOf(nodes: readonly SoakNode[]): Promise<readonly number[]> {
  const least = nodes.map(() => Number.POSITIVE_INFINITY)
  for (let looks = 0; looks < 10; looks++) {
    for (const [index, node] of nodes.entries()) least[index] = Math.min(least[index]!, node.usage().descriptors)
    await delay(200)
  }
  return least
}

/** Ends that nobody had asked for. */
function endsOf({ nodes, instances }: Stage): readonly string[] {
  return [
    ...nodes.flatMap(({ name, crash }) => (crash === undefined ? [] : [`${name} ended by itself: ${crash}`])),
    ...instances.flatMap(({ options, unasked }) =>
      unasked.map((when) => `the stream of instance ${options.name} ended by itself at ${when}`),
    ),
  ]
}
