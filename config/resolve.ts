import { type BalancedDomain, checkBuckets, checkHash, readBalancing } from './balancing.ts'
import { checkCertificates, normaliseCertificate, readCertificates } from './certificates.ts'
import { checkRequiredTls } from './clear-text.ts'
import { checkCluster, readCluster } from './cluster.ts'
import type { Admin, Config, Domain, Listener, Shaper, Upstream } from './config.ts'
import type { Context } from './context.ts'
import { frozenMap } from './frozen.ts'
import { listenerTls } from './listener-tls.ts'
import { normaliseBareJid, normaliseDomain, parseService, socketsMeet } from './names.ts'
import type { Path } from './problems.ts'
import type { RawAdmin, RawConfig, RawDomain, RawListener, RawUpstream } from './schema.ts'
import { chosenKey, readInstances, readSecretFile, readSecrets } from './secrets.ts'
import { readTerms, refuseTerms } from './terms.ts'

/**
 * What the file means, beyond what each value is on its own: one spelling per domain, secrets read, both spellings of
 * balancing merged, and everything that must agree with something else checked. Reports what is wrong and goes on; the
 * result counts only when nothing was reported.
 */
export function resolve(raw: RawConfig, context: Context): Config {
  const address = normaliseDomain(raw.address) ?? raw.address
  const names = new Set(Object.keys(raw.domains).map((key) => normaliseDomain(key) ?? key))
  const served = new Set([...names].filter((name) => name !== address))
  if (served.size === 0) context.report(['domains'], 'must have at least one domain', 'key')
  const balancing = readBalancing(raw, served, context)
  const domains = new Map<string, Domain>()
  for (const [key, domain] of Object.entries(raw.domains)) {
    const at = ['domains', key]
    const name = normaliseDomain(key) ?? key
    if (domains.has(name)) context.report(at, `is the same domain as ${domains.get(name)?.name}, written above`, 'key')
    else
      domains.set(
        name,
        name === address
          ? ownDomain(at, name, domain, context)
          : servedDomain(at, name, domain, balancing.get(name), context),
      )
  }
  checkAdmins(raw, names, context)
  checkHolds(raw, context)
  checkCluster(raw, context)
  checkPorts(raw, context)
  checkLimits(raw.limits, context)
  checkCertificates(raw, context)
  checkRequiredTls(raw, context)
  return {
    node: nodeName(raw, context),
    address,
    admins: raw.admins.map((jid) => normaliseBareJid(jid) ?? jid),
    ...(raw.require_tls && { require_tls: true }),
    listen: raw.listen.map((listener, index) => readListener(['listen', index], listener, served, context)),
    domains: frozenMap(domains),
    ...(raw.admin === undefined ? {} : { admin: readAdmin(['admin'], raw.admin, context) }),
    ...(raw.cluster === undefined ? {} : { cluster: readCluster(raw.cluster, context) }),
    limits: raw.limits,
    drain: raw.drain,
    log: raw.log,
  }
}

/** An instance may send as anybody of its domain, so nobody of such a domain can be told from it. */
function checkAdmins({ admins }: RawConfig, names: ReadonlySet<string>, context: Context): void {
  for (const [at, jid] of admins.entries()) {
    const domain = (normaliseBareJid(jid) ?? jid).replace(/^.*@/, '')
    if (names.has(domain)) {
      context.report(['admins', at], `is of the served domain ${domain}, whose instances can send as anybody of it`)
    }
  }
}

function nodeName(raw: RawConfig, context: Context): string {
  const name = raw.node ?? context.hostname
  // A name that the file gives has been checked; the host's may be anything.
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) {
    context.report(['node'], `is missing, and the host's name ${JSON.stringify(name)} cannot take its place`, 'key')
  }
  return name
}

function servedDomain(
  at: Path,
  name: string,
  raw: RawDomain,
  balanced: BalancedDomain | undefined,
  context: Context,
): Domain {
  const key = chosenKey(at, raw, ['secret', 'secrets', 'secret_file', 'instances'], context)
  checkHash(at, raw, balanced, context)
  const common = {
    ...settings(at, name, raw, context),
    ...(balanced === undefined ? {} : { balancing: balanced.balancing }),
  }
  if (key !== 'instances' || raw.instances === undefined) {
    const terms = readTerms(at, raw, balanced, undefined, context)
    return { ...common, ...terms, secrets: readSecrets(at, raw, context), ...readCertificates(raw) }
  }
  const instances = readInstances([...at, 'instances'], raw.instances, context)
  checkBuckets([...at, 'instances'], instances, balanced, name, context)
  return { ...common, ...readTerms(at, raw, balanced, instances, context), instances }
}

/** Our own address under `domains`: there only to be reached from outside. */
function ownDomain(at: Path, name: string, raw: RawDomain, context: Context): Domain {
  for (const key of ['secret', 'secrets', 'secret_file', 'instances', 'certificates', 'shaper'] as const) {
    if (raw[key] !== undefined)
      context.report([...at, key], 'stands at our own address, to which no instance connects', 'key', [
        [...at, key],
        ['address'],
      ])
  }
  refuseTerms(at, raw, context)
  if (raw.upstream === undefined) {
    context.report(at, 'is our own address, which stands here only with an upstream', 'key', [
      [...at, 'upstream'],
      ['address'],
    ])
  }
  return settings(at, name, raw, context)
}

function settings(at: Path, name: string, raw: RawDomain, context: Context): Domain {
  const {
    when_unassigned,
    hold,
    delivery,
    on_conflict,
    bare_domain,
    hash,
    iq_seconds,
    presence_repair_seconds,
    redeliver_set,
    require_confirmation,
    retry_get,
  } = raw
  const upstream =
    raw.upstream === undefined ? {} : { upstream: readUpstream([...at, 'upstream'], raw.upstream, context) }
  return {
    name,
    when_unassigned,
    hold,
    delivery,
    on_conflict,
    bare_domain,
    hash,
    iq_seconds,
    presence_repair_seconds,
    redeliver_set,
    require_confirmation,
    retry_get,
    ...(raw.shaper && { shaper: readShaper(raw.shaper) }),
    ...upstream,
  }
}

function readUpstream(at: Path, raw: RawUpstream, context: Context): Upstream {
  const service = parseService(raw.service) ?? { host: '', port: 0, tls: false }
  if (raw.tls !== undefined && !service.tls) {
    context.report([...at, 'tls'], 'has no effect on xmpp://: write xmpps:// or leave it out', 'key', [
      [...at, 'tls'],
      [...at, 'service'],
    ])
  }
  chosenKey(at, raw, ['secret', 'secret_file'], context)
  const secret = readSecrets(at, raw, context)[0] ?? ''
  const ca = raw.tls?.ca === undefined ? {} : { ca: readable([...at, 'tls', 'ca'], raw.tls.ca, context) }
  const servername = raw.tls?.servername === undefined ? {} : { servername: raw.tls.servername }
  const pins = raw.tls?.pins === undefined ? {} : { pins: raw.tls.pins.map(normaliseCertificate) }
  return { service: raw.service, ...service, ...ca, ...servername, ...pins, secret, links: raw.links, queue: raw.queue }
}

function readListener(at: Path, raw: RawListener, served: ReadonlySet<string>, context: Context): Listener {
  const domains = raw.domains?.map((text, index) => {
    const name = normaliseDomain(text) ?? text
    const path = [...at, 'domains', index]
    if (!served.has(name))
      context.report(path, `must be one of the configured domains, not ${text}`, 'value', [path, ['domains']])
    return name
  })
  const { host, port, from, proxy_protocol } = raw
  return {
    ...{ host, port, ...(from && { from }), ...(proxy_protocol && { proxy_protocol }) },
    ...{ ...(domains && { domains }), ...listenerTls([...at, 'tls'], raw.tls, context) },
    ...(raw.shaper && { shaper: readShaper(raw.shaper) }),
  }
}

const readShaper = ({ rate, burst = rate }: NonNullable<RawListener['shaper']>): Shaper => ({ rate, burst })

function readAdmin(at: Path, raw: RawAdmin, context: Context): Admin {
  const { host, port } = raw
  if (raw.token !== undefined && raw.token_file !== undefined) {
    context.report([...at, 'token_file'], 'cannot stand beside token: give one of them', 'key')
  }
  const file = raw.token_file
  const token = raw.token ?? (file === undefined ? undefined : readSecretFile([...at, 'token_file'], file, context))
  return { host, port, ...(token === undefined ? {} : { token }) }
}

/** The path that opens a file; a file that cannot be read is better told now than when someone connects. */
function readable(at: Path, file: string, context: Context): string {
  context.readFile(at, file)
  return context.locate(file)
}

/** No two sockets on one address and port; port 0 is a different one each time, and a wildcard is every address. */
function checkPorts(raw: RawConfig, context: Context): void {
  const taken: { readonly host: string; readonly port: number; readonly name: string }[] = []
  const places = raw.listen.map(({ host, port }, index) => ({
    host,
    port,
    name: `listen[${index}]`,
    at: ['listen', index, 'port'] as Path,
  }))
  if (raw.admin !== undefined) places.push({ ...raw.admin, name: 'admin', at: ['admin', 'port'] })
  for (const { host, port, name, at } of places) {
    if (port === 0) continue
    const because = [at, [...at.slice(0, -1), 'host']]
    const first = taken.find((other) => other.port === port && socketsMeet(host, other.host))
    if (first !== undefined) {
      const where = first.host.toLowerCase() === host.toLowerCase() ? '' : ` at ${first.host}`
      context.report(at, `is ${port} at ${host}, which ${first.name} listens on${where}`, 'value', because)
    }
    taken.push({ host, port, name })
  }
}

/** As long as a node may be expected to live: longer holds want a store that outlives it. */
const longestInMemory = 3600

function checkHolds(raw: RawConfig, context: Context): void {
  for (const [key, { hold }] of Object.entries(raw.domains)) {
    const at = ['domains', key, 'hold']
    const because = [
      [...at, 'seconds'],
      [...at, 'store'],
    ]
    if (hold.store === 'memory' && hold.seconds > longestInMemory) {
      const most = `must be at most ${longestInMemory} with store: memory, not ${hold.seconds}`
      context.report([...at, 'seconds'], most, 'value', because)
    }
  }
}

function checkLimits(limits: RawConfig['limits'], context: Context): void {
  const { stalled_after_seconds: stalled, close_stalled_after_seconds: close } = limits
  const at = ['limits', 'close_stalled_after_seconds']
  const because = [at, ['limits', 'stalled_after_seconds']]
  if (close < stalled)
    context.report(at, `must be no less than stalled_after_seconds, ${stalled}, not ${close}`, 'value', because)
}
