import { Redis as Client } from 'ioredis'
import { waitFor } from './keyed.ts'

const LOOK_MS = 10

/** The cluster's table as Redis has it: nobody else can say what Redis knows. */
export interface TableView {
  /** Resolves when it has so many nodes and instances, no more and no fewer. */
  has(nodes: number, instances: number, withinMs: number): Promise<void>
  /** Resolves when the node of that name has the link of that domain. */
  linkIsAt(node: string, domain: string, withinMs: number): Promise<void>
  stop(): Promise<void>
}

export function watchTable(port: number, prefix: string): TableView {
  const client = new Client({ host: '127.0.0.1', port, maxRetriesPerRequest: 0, retryStrategy: () => LOOK_MS })
  client.on('error', () => {})
  const fields = () => client.hgetall(`${prefix}{table}:fields`).catch(() => ({}) as Record<string, string>)
  const count = (table: Record<string, string>, kind: string) =>
    Object.keys(table).filter((field) => field.startsWith(`${kind}/`)).length
  return {
    has: async (nodes, instances, withinMs) => {
      const look = async () => {
        const table = await fields()
        return count(table, 'node') === nodes && count(table, 'instance') === instances ? true : undefined
      }
      await waitFor(`table with ${nodes} nodes and ${instances} instances in Redis`, look, withinMs)
    },
    linkIsAt: async (node, domain, withinMs) => {
      const look = async () => {
        const table = await fields()
        const holder = table[`link/${domain}`]
        return holder !== undefined && holder === table[`name/${node}`] ? true : undefined
      }
      await waitFor(`link of ${domain} at node ${node}`, look, withinMs)
    },
    stop: async () => client.disconnect(),
  }
}
