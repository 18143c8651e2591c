import type { Ledger } from '../ledger.ts'
import type { Stanza } from '../scan.ts'
import { Client } from './clients.ts'
import { ClusterNode, type Delivery } from './node.ts'
import { DOMAIN, RedisOnStage } from './stage.ts'
import { type StubLink, StubServer } from './stub-server.ts'

export interface StubYardOptions {
  readonly nodes: number
  readonly instances: number
  readonly buckets: number
  readonly delivery: Delivery
  readonly windowBytes: number
  readonly drainSeconds: number
  readonly ledger: Ledger
  readonly proven?: (link: StubLink) => void
}

/** Nodes about a Redis between a server that is none, with a link to each, and instances in this process. */
export interface StubYard {
  readonly server: StubServer
  readonly nodes: readonly ClusterNode[]
  readonly redis: RedisOnStage
  readonly clients: readonly Client[]
  stop(): Promise<void>
}

export async function setStubYard(options: StubYardOptions): Promise<StubYard> {
  const { ledger, buckets, delivery, windowBytes, drainSeconds } = options
  const redis = await RedisOnStage.start()
  const handler = { stanza: (stanza: Stanza) => see(ledger, stanza), ...(options.proven && { proven: options.proven }) }
  const server = new StubServer(handler)
  const nodes: ClusterNode[] = []
  const clients: Client[] = []
  const stop = async () => {
    for (const client of clients) client.stop()
    await Promise.all(nodes.map((node) => node.end()))
    server.close()
    await redis.stop()
  }
  const plan = { domain: DOMAIN, buckets, delivery, links: 'each', windowBytes, drainSeconds } as const
  try {
    for (let index = 0; index < options.nodes; index++) {
      const port = await server.openPort(() => nodes[index]!.life)
      nodes.push(await ClusterNode.make(`yard-${index + 1}`, { ...plan, redisUrl: redis.url }, port))
    }
    await Promise.all(nodes.map((node) => node.start()))
    for (let first = 0; first < options.instances; first++) {
      clients.push(new Client({ name: `${first}-here`, domain: DOMAIN, nodes, first, ledger }))
    }
    await Promise.all(clients.map((client) => client.start()))
  } catch (error) {
    await stop()
    throw error
  }
  return { server, nodes, redis, clients, stop }
}

function see(ledger: Ledger, { kind, type, id, condition }: Stanza): void {
  if (type === 'error') ledger.leave(id, condition)
  else if (kind === 'iq' && type === 'result') ledger.leave(id, type)
}

const TAIL_LINES = 30

/** An error with the last that each node said. */
export function withLogs(error: unknown, nodes: readonly ClusterNode[]): Error {
  const tails = nodes.map((node) => node.logs().split('\n').slice(-TAIL_LINES).join('\n'))
  return new Error(`${error instanceof Error ? error.message : error}\n${tails.join('\n')}`)
}
