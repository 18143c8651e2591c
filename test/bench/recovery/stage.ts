import type { Socket } from 'node:net'
import { startProsody, type XmppServer } from '../../peers/prosody.ts'
import { type Redis, startRedis } from '../../peers/redis.ts'
import type { Server } from '../../peers/server.ts'
import { ECHO, LOAD, secret } from '../contenders/contenders.ts'
import { startSwitchyard } from '../contenders/switchyard.ts'
import { connectComponent } from '../load/component.ts'
import { type TableView, watchTable } from './table-view.ts'

/** Behind the link: a domain of ours, and a component of the server's own. */
export const BRIDGE = 'bridge.localhost'
export const BEYOND = 'beyond.localhost'
export const BUCKETS = 2
const PREFIX = 'bench:'
const READY_MS = 30_000

export type NodeName = 'a' | 'b' | 'c'
export type Yard = Server & { readonly port: number }

/** Redis, an XMPP server, and three nodes. */
export interface Stage {
  readonly redis: Redis
  readonly xmpp: XmppServer
  readonly nodes: Readonly<Record<NodeName, Yard>>
  connect(node: NodeName, domain: string): Promise<Socket>
  readonly table: TableView
  stop(): Promise<void>
}

export async function setStage(): Promise<Stage> {
  const started: { stop(): Promise<void> }[] = []
  const stop = async () => {
    for (const one of started.toReversed()) await one.stop()
  }
  const keep = <T extends { stop(): Promise<void> }>(one: T): T => {
    started.push(one)
    return one
  }
  try {
    const redis = keep(await startRedis())
    const xmpp = keep(await startProsody({ components: [BRIDGE, BEYOND].map((domain) => ({ domain, secret })) }))
    const start = async (node: NodeName) =>
      keep(await startSwitchyard({ config: config(node, redis.url, xmpp.componentPort) }))
    const nodes = { a: await start('a'), b: await start('b'), c: await start('c') }
    const connect = async (node: NodeName, domain: string) => {
      const socket = await connectComponent({ port: nodes[node].port, domain })
      // Its node may be killed.
      socket.on('error', () => {})
      return socket
    }
    const table = keep(watchTable(redis.port, PREFIX))
    await table.has(3, 0, READY_MS)
    return { redis, xmpp, nodes, connect, table, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function config(node: NodeName, redis: string, serverPort: number): object {
  const upstream = { service: `xmpp://127.0.0.1:${serverPort}`, secret }
  return {
    node,
    cluster: { redis, key_prefix: PREFIX },
    domains: {
      [LOAD]: { secret },
      // Longer than any recovery takes: what waits is late, not bounced.
      [ECHO]: { secret, hold: { seconds: 60 } },
      [BRIDGE]: { secret, upstream },
    },
    domain_balancing: { [ECHO]: { type: 'bare_source', component_number: BUCKETS } },
  }
}
