import { startEjabberd } from '../../peers/ejabberd.ts'
import { startProsody, type XmppServer } from '../../peers/prosody.ts'
import { type Redis, startRedis } from '../../peers/redis.ts'
import type { Ledger } from '../ledger.ts'
import type { Passage, Trouble } from '../passage.ts'
import type { Stanza } from '../scan.ts'
import { ASKED, microseconds, SECRET, USERS } from '../wire.ts'
import { ClusterNode, type ClusterPlan, type Delivery } from './node.ts'
import { ProvingTap } from './proving-tap.ts'

export const clusterServers = ['prosody', 'ejabberd'] as const
export type ClusterServer = (typeof clusterServers)[number]

/** The domain of all these campaigns; an instance of it is an instance of any node. */
export const DOMAIN = 'buckets.localhost'

export interface ClusterStageOptions {
  readonly server: ClusterServer
  readonly nodes: number
  readonly buckets: number
  readonly delivery: Delivery
  readonly windowBytes: number
  readonly drainSeconds: number
}

/** Nodes about a Redis, each with a tap between itself and the one XMPP server. */
export interface ClusterStage {
  readonly nodes: readonly ClusterNode[]
  readonly redis: RedisOnStage
  readonly server: XmppServer
  /** Where the users' component connects. */
  readonly usersPort: number
  stop(): Promise<void>
}

export async function setClusterStage(options: ClusterStageOptions, ledger: Ledger): Promise<ClusterStage> {
  const server = await startServer(options)
  const redis = await RedisOnStage.start()
  const plan: ClusterPlan = {
    ...{ redisUrl: redis.url, domain: DOMAIN, buckets: options.buckets, delivery: options.delivery },
    links: options.server === 'prosody' ? 'one' : 'each',
    ...{ windowBytes: options.windowBytes, drainSeconds: options.drainSeconds },
  }
  const taps: ProvingTap[] = []
  const nodes: ClusterNode[] = []
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.end()))
    for (const tap of taps) tap.close()
    await Promise.all([redis.stop(), server.stop()])
  }
  try {
    for (let index = 0; index < options.nodes; index++) {
      const tap = await ProvingTap.open({
        serverPort: server.componentPort,
        life: () => nodes[index]!.life,
        inward: (stanza, passage) => seeInward(ledger, stanza, passage),
        outward: (stanza) => seeOutward(ledger, stanza),
      })
      taps.push(tap)
      nodes.push(await ClusterNode.make(`yard-${index + 1}`, plan, tap.port))
    }
    await Promise.all(nodes.map((node) => node.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return { nodes, redis, server, usersPort: server.componentPort, stop }
}

/** Redis, and what befell it. */
export class RedisOnStage {
  readonly troubles: Trouble[] = []
  readonly #redis: Redis

  private constructor(redis: Redis) {
    this.#redis = redis
  }

  static async start(): Promise<RedisOnStage> {
    return new RedisOnStage(await startRedis())
  }

  get url(): string {
    return this.#redis.url
  }

  /** SIGKILL; there is nothing in it when it is back. */
  kill(): Promise<void> {
    this.troubles.push({ of: 'Redis', kind: 'kill', from: microseconds(), to: undefined })
    return this.#redis.kill()
  }

  async start(): Promise<void> {
    await this.#redis.start()
    this.#over()
  }

  pause(): void {
    this.troubles.push({ of: 'Redis', kind: 'pause', from: microseconds(), to: undefined })
    this.#redis.pause()
  }

  resume(): void {
    this.#redis.resume()
    this.#over()
  }

  stop(): Promise<void> {
    return this.#redis.stop()
  }

  #over(): void {
    const last = this.troubles.at(-1)
    if (last !== undefined) last.to = microseconds()
  }
}

/** ejabberd takes a link of each node, and shares a sender's stanzas out among them as Switchyard would. */
function startServer({ server, nodes }: ClusterStageOptions): Promise<XmppServer> {
  const components = [DOMAIN, USERS].map((domain) => ({ domain, secret: SECRET }))
  const balancing = { [DOMAIN]: { type: 'bare_source', component_number: Math.max(2, nodes) } }
  return server === 'prosody' ? startProsody({ components }) : startEjabberd({ components, balancing })
}

function seeInward(ledger: Ledger, { kind, type, id, n }: Stanza, passage: Passage): void {
  if (isReply(kind, type)) ledger.askReplied(id, passage)
  else ledger.reach(n === '' ? id : n, passage)
}

function seeOutward(ledger: Ledger, { kind, type, id, n, condition }: Stanza): void {
  if (isReply(kind, type) || type === 'error') ledger.leave(id, type === 'error' ? condition : type)
  else if (n.startsWith(ASKED)) ledger.askLeft(n, id)
}

function isReply(kind: string, type: string): boolean {
  return kind === 'iq' && (type === 'result' || type === 'error')
}
