import { Cluster, type Redis } from 'ioredis'
import { StoreError } from './cluster-store.ts'
import { addressOf, type Client, type RedisTarget } from './redis-client.ts'

/**
 * What the user of Redis must be allowed to do, for `ACL SETUSER`, after its password. `~PREFIX*` stands for the keys:
 * `cluster.key_prefix` and a star. `cluster` is for a Redis Cluster only; without `info` nothing can be checked.
 */
export const ACL_RULE =
  'resetchannels -@all +hello +select +info +cluster|slots +cluster|info +eval +evalsha +multi +exec +time +get +set +incr +del +exists +expire +hget +hset +hdel +hexists +hgetall +xadd +xread +xrange +xdel +xlen'

/** The oldest version that will do. */
const OLDEST = 7

/** Throws a `StoreError` where a server cannot be used as it is; returns what could not be checked. */
export async function checkFitness(client: Client, target: RedisTarget): Promise<readonly string[]> {
  const servers: readonly Redis[] = client instanceof Cluster ? client.nodes('master') : [client]
  const warnings = new Set<string>()
  for (const server of servers) {
    const address = client instanceof Cluster ? `${server.options.host}:${server.options.port}` : addressOf(target)
    const info = await infoOf(server)
    if (info === undefined)
      warnings.add(`${address}: INFO is not permitted, so its version and maxmemory-policy are not known`)
    else checkServer(address, info, target)
  }
  return [...warnings]
}

function checkServer(address: string, info: ReadonlyMap<string, string>, { urls, sentinel }: RedisTarget): void {
  const version = info.get('valkey_version') ?? info.get('redis_version') ?? ''
  if (version !== '' && Number.parseInt(version, 10) < OLDEST) {
    throw new StoreError(`${address}: it is version ${version}, but ${OLDEST}.0 or newer is needed`)
  }
  const policy = info.get('maxmemory_policy')
  if (policy !== undefined && policy !== 'noeviction') {
    throw new StoreError(
      `${address}: its maxmemory-policy is ${policy}, with which it would drop stanzas and the routing table; ` +
        'set it to noeviction (`CONFIG SET maxmemory-policy noeviction`, or `maxmemory-policy noeviction` in redis.conf)',
    )
  }
  if (info.get('cluster_enabled') === '1' && (urls.length === 1 || sentinel !== undefined)) {
    throw new StoreError(
      `${address}: it is a node of a Redis Cluster; give several of its nodes (if there is only one address, twice)`,
    )
  }
}

/** What the server says about itself; undefined where the user may not ask. */
async function infoOf(server: Redis): Promise<ReadonlyMap<string, string> | undefined> {
  const info = new Map<string, string>()
  try {
    for (const section of ['server', 'memory', 'cluster']) {
      for (const line of (await server.info(section)).split('\r\n')) {
        const [name = '', value = ''] = line.split(':')
        info.set(name, value)
      }
    }
    return info
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('NOPERM')) return undefined
    throw error
  }
}
