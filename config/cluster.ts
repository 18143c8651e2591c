import type { Cluster } from './config.ts'
import type { Context } from './context.ts'
import { redisUrl } from './kinds.ts'
import { parseRedisUrl, wrongRedisUrl } from './names.ts'
import type { RawCluster, RawConfig } from './schema.ts'

const at = ['cluster']
const urls = [...at, 'redis']

/** What the cluster's keys mean together. */
export function readCluster({ redis, sentinel, ca, ...plain }: RawCluster, context: Context): Cluster {
  const shown = redis.map((url, index) => {
    const found = parseRedisUrl(url)
    if (found === undefined) context.report([...urls, index], `must be ${redisUrl}, not ${wrongRedisUrl(url)}`)
    return found
  })
  const known = shown.filter((url) => url !== undefined)
  const isSecure = known.some((url) => url.startsWith('rediss:'))
  if (known.some((url) => url.startsWith('rediss:') !== isSecure)) {
    context.report(urls, 'must have redis:// in all its URLs, or rediss:// in all')
  }
  const [numbered] = known.filter((url) => /\/[1-9]\d*$/.test(url))
  if (redis.length > 1 && sentinel === undefined && numbered !== undefined) {
    context.report(urls, `has a database number in ${numbered}, and a Redis Cluster has no databases`)
  }
  if (ca !== undefined && !isSecure) {
    const path = [...at, 'ca']
    context.report(path, 'has no effect on redis://: write rediss:// or leave it out', 'key', [path, urls])
  }
  if (ca !== undefined) context.readFile([...at, 'ca'], ca)
  return {
    ...plain,
    redis,
    ...(sentinel === undefined ? {} : { sentinel }),
    ...(ca === undefined ? {} : { ca: context.locate(ca) }),
  }
}

/** What wants a cluster, or a larger one. */
export function checkCluster(raw: RawConfig, context: Context): void {
  const message = (value: string) => `is ${value}, which needs cluster: {redis: redis://…}`
  for (const [key, { hold, delivery }] of Object.entries(raw.domains)) {
    const domain = ['domains', key]
    const store = [...domain, 'hold', 'store']
    const journal = [...domain, 'delivery']
    if (raw.cluster !== undefined) continue
    if (hold.store === 'redis') {
      context.report(store, message('redis'), 'value', [store, [...domain, 'hold', 'seconds'], at])
    }
    if (delivery === 'journal') context.report(journal, message('journal'), 'value', [journal, at])
  }
  const inbox = [...at, 'inbox_bytes']
  const { stanza_bytes: stanza } = raw.limits
  if (raw.cluster !== undefined && raw.cluster.inbox_bytes < stanza) {
    const least = `must be no less than limits.stanza_bytes, ${stanza}, not ${raw.cluster.inbox_bytes}`
    context.report(inbox, least, 'value', [inbox, ['limits', 'stanza_bytes']])
  }
}
