import { randomBytes } from 'node:crypto'
import type { MemberPorts } from './demo-member.ts'
import { demoDomains } from './demo-node.ts'

/** One instance per node, and a bucket for each. */
const names = ['red', 'green', 'blue', 'gold', 'grey'] as const
export const mostNodes = names.length
/** Longer than it takes until a node is known to be dead. */
const HOLD_SECONDS = 30

/** What all nodes of the cluster demo have in common. */
export interface ClusterPlan {
  readonly nodes: readonly string[]
  /** By bucket. */
  readonly instances: readonly string[]
  /** The domain of each node's users. */
  readonly users: readonly string[]
  readonly redisPort: number
  readonly token: string
  /** By instance and by domain. */
  readonly secrets: ReadonlyMap<string, string>
}

export function planCluster(count: number, redisPort: number): ClusterPlan {
  const nodes = Array.from({ length: count }, (_, index) => `yard-${index + 1}`)
  const instances = names.slice(0, count)
  const users = nodes.map((_, index) => `${index + 1}.${demoDomains.users}`)
  const secret = (): string => randomBytes(12).toString('hex')
  const secrets = new Map([...instances, ...users].map((name) => [name, secret()]))
  return { nodes, instances, users, redisPort, token: secret(), secrets }
}

/** The configuration of a node, as a user would write it. */
export function nodeConfig(plan: ClusterPlan, name: string, { component, admin }: MemberPorts): unknown {
  const { instances, users, redisPort, token, secrets } = plan
  const holding = { when_unassigned: 'hold', hold: { seconds: HOLD_SECONDS, bytes: '16MiB' } }
  const named = instances.map((instance, bucket) => [instance, { secret: secrets.get(instance), bucket }])
  const perUser = { type: 'bare_destination' }
  const echo = { instances: Object.fromEntries(named), ...holding }
  const ofUsers = users.map((domain) => [domain, { secret: secrets.get(domain), ...holding }])
  return {
    node: name,
    listen: [{ host: '127.0.0.1', port: component }],
    admin: { host: '127.0.0.1', port: admin, token },
    cluster: { redis: `redis://127.0.0.1:${redisPort}` },
    domains: { [demoDomains.echo]: echo, ...Object.fromEntries(ofUsers) },
    domain_balancing: {
      [demoDomains.echo]: { type: 'bare_source', component_number: instances.length },
      // While the old stream of a group of users is not known to be dead: each user's answers by one of the two, in order.
      ...Object.fromEntries(users.map((domain) => [domain, perUser])),
    },
    drain: { seconds: 1 },
  }
}
