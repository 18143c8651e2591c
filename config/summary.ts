import type { Cluster, Config, Domain, Upstream } from './config.ts'
import { parseRedisUrl } from './names.ts'
import { formatBytes } from './units.ts'

/** What a configuration amounts to, as a table for people; no secret is in it. Ends with a newline. */
export function summary(config: Config): string {
  const { admin, cluster } = config
  const sections = [
    section('node', [[config.node, config.address, `log ${config.log.level}`]]),
    section(
      'listen',
      config.listen.map((listener) => [
        authority(listener.host, listener.port),
        `${listener.proxy_protocol ? 'proxied ' : ''}${listener.tls === undefined ? 'tcp' : 'tls'}`,
        listener.domains?.join(' ') ?? 'every domain',
        ...(listener.from === undefined ? [] : [`from ${listener.from.join(' ')}`]),
      ]),
    ),
    section('domains', [...config.domains.values()].map(domainRow)),
    cluster === undefined ? '' : section('cluster', [clusterRow(cluster)]),
    admin === undefined
      ? ''
      : section('admin', [
          [`http://${authority(admin.host, admin.port)}`, admin.token === undefined ? 'no token' : 'token'],
        ]),
  ]
  return sections.join('')
}

/** Only what is known to be no secret of the URLs. */
function clusterRow({ redis, sentinel, key_prefix, inbox_bytes }: Cluster): readonly string[] {
  const urls = redis.map((url) => parseRedisUrl(url) ?? '').join(' ')
  const kind =
    sentinel === undefined ? [redis.length > 1 ? 'Redis Cluster' : 'one Redis'] : [`sentinels of ${sentinel}`]
  return [...kind, urls, key_prefix, `inboxes of ${formatBytes(inbox_bytes)}`]
}

function domainRow(domain: Domain): readonly string[] {
  return [
    domain.name,
    authenticated(domain),
    balanced(domain),
    unassigned(domain),
    linked(domain.upstream),
    ...journalled(domain),
    ...apart(domain),
  ]
}

function authenticated({ secrets, instances, certificates = [] }: Domain): string {
  if (instances !== undefined) return counted(instances.size, 'named instance')
  if (secrets === undefined) return 'our own address'
  const kinds = [
    ...(secrets.length > 0 || certificates.length === 0 ? [counted(secrets.length, 'secret')] : []),
    ...(certificates.length > 0 ? [counted(certificates.length, 'certificate')] : []),
  ]
  return kinds.join(', ')
}

function balanced({ balancing, hash, secrets, instances }: Domain): string {
  if (secrets === undefined && instances === undefined) return '-'
  if (balancing === undefined) return 'random, local first'
  const count = balancing.component_number
  const over = count === undefined ? 'all instances' : `${count} buckets`
  return `${balancing.type} over ${over}${hash === 'murmur3' ? '' : ` by ${hash}`}`
}

function unassigned({ when_unassigned, hold }: Domain): string {
  if (when_unassigned !== 'hold') return when_unassigned
  return `hold ${hold.seconds} s, ${formatBytes(hold.bytes)}${hold.store === 'redis' ? ', in Redis' : ''}`
}

function linked(upstream: Upstream | undefined): string {
  return upstream === undefined ? 'no upstream' : `${upstream.service} (links: ${upstream.links})`
}

const journalled = ({ delivery }: Domain): readonly string[] => (delivery === 'journal' ? ['journal'] : [])

/** What sets the instances apart. */
function apart({ instances, canary, slow_start_seconds = 0, balance_factor, hot_keys }: Domain): readonly string[] {
  const weights = [...(instances ?? [])].flatMap(([name, { weight }]) =>
    weight === undefined ? [] : `${name} ${weight}`,
  )
  return [
    ...(weights.length === 0 ? [] : [`weights: ${weights.join(' ')}`]),
    ...(canary === undefined ? [] : [`canary: ${canary.instance} ${canary.percent} %`]),
    ...(slow_start_seconds === 0 ? [] : [`slow start: ${slow_start_seconds} s`]),
    ...(balance_factor === undefined
      ? []
      : [`at most ${balance_factor} %, ${counted(hot_keys?.size ?? 0, 'hot key')}`]),
  ]
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const authority = (host: string, port: number): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

/** A heading and rows whose columns line up. */
function section(heading: string, rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  }
  const lines = rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  )
  return `${[heading, ...lines].join('\n')}\n`
}
