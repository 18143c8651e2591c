import type { ComponentListener, EjabberdBalancing, EjabberdComponents } from './ejabberd-components.ts'
import type { Place } from './ejabberd-source.ts'
import type { Problem } from './problems.ts'
import { formatBytes } from './units.ts'

export interface Imported {
  /** Our configuration, as YAML with comments; undefined when there is none to make. */
  readonly text?: string
  readonly problems: readonly Problem[]
  /** What cannot be carried over, or not as it is. */
  readonly warnings: readonly Problem[]
}

interface ServedDomain {
  readonly name: string
  readonly place: Place
  /** Those of all listeners that take it; none when ejabberd has none either. */
  readonly secrets: readonly string[]
  readonly balancing: EjabberdBalancing | undefined
}

const placeholder = 'CHANGE-ME'
/** `limits.stanza_bytes`: its bounds. */
const stanzaBytes = { least: 10_000, most: 64 * 1024 ** 2 } as const

/**
 * Our configuration for what ejabberd serves by `ejabberd_service`. Switchyard takes the place of ejabberd's component
 * listeners, ejabberd gets one for Switchyard, and what ejabberd balances by a key has `hash: erlang_phash2`, so that every
 * key keeps its bucket.
 * @param file for what is missing altogether
 * @param isReadable whether a certificate file can be read, for `tls`
 */
export function importEjabberd(
  file: string,
  components: EjabberdComponents,
  isReadable: (path: string) => boolean,
): Imported {
  const { listeners, problems } = components
  const warnings: Problem[] = [...components.warnings]
  const warn = (place: Place, path: string, message: string) => void warnings.push({ ...place, path, message })
  if (problems.length > 0) return { problems, warnings }
  const domains = domainsOf(components, warn)
  if (domains.length === 0) {
    const message =
      listeners.length === 0 ? 'has no entry with module: ejabberd_service' : 'names no domain of a component'
    return { problems: [{ file, line: 1, col: 1, path: 'listen', message }], warnings }
  }
  const port = portFor(components)
  const text = [
    `# Made by \`switchyard import\`. Components connect here, where ejabberd had them connect; Switchyard connects to ejabberd`,
    `# at 127.0.0.1:${port}, where ejabberd has no listener yet: what to change there is at the end.`,
    '',
    ...listenLines(listeners, isReadable, warn),
    '',
    '# ejabberd drops what is for a bucket that has no component. Here it is held for 10 s and then bounced: see',
    '# when_unassigned, hold. Buckets go to components as they come, as in ejabberd; to give each its own, see instances.',
    'domains:',
    ...domains.flatMap((domain) => domainLines(domain, port)),
    '',
    ...balancingLines(domains, warn),
    ...limitLines(listeners),
    ...ejabberdLines(components, domains, port),
  ]
  return { text: `${text.join('\n')}\n`, problems: [], warnings: inOrder(warnings) }
}

/** In the order of the files. */
function inOrder(warnings: readonly Problem[]): readonly Problem[] {
  return [...warnings].sort((a, b) => (a.file === b.file ? a.line - b.line || a.col - b.col : 0))
}

type Warn = (place: Place, path: string, message: string) => void

function domainsOf({ listeners, balancing }: EjabberdComponents, warn: Warn): readonly ServedDomain[] {
  const found = new Map<string, { place: Place; secrets: Set<string> }>()
  const add = (name: string, place: Place, secret: string | undefined) => {
    const domain = found.get(name) ?? { place, secrets: new Set<string>() }
    if (secret !== undefined && secret !== '') domain.secrets.add(secret)
    found.set(name, domain)
  }
  for (const { hosts, password } of listeners) {
    for (const [name, host] of hosts ?? []) add(name, host.place, host.password ?? password)
  }
  const open = listeners.find(({ hosts }) => hosts === undefined)
  for (const [name, { place }] of balancing) {
    if (open !== undefined && !found.has(name)) add(name, place, open.password)
    if (!found.has(name))
      warn(place, 'domain_balancing', `balances ${name}, which no ejabberd_service listener has; it is left out`)
  }
  if (open !== undefined) {
    warn(
      open.place,
      'listen',
      'takes components of any name; Switchyard serves those that stand under domains: add what is missing',
    )
  }
  return [...found].map(([name, { place, secrets }]) => {
    if (secrets.size === 0) warn(place, 'hosts', `${name} has no password: put one in place of ${placeholder}`)
    return { name, place, secrets: [...secrets], balancing: balancing.get(name) }
  })
}

function listenLines(
  listeners: readonly ComponentListener[],
  isReadable: (path: string) => boolean,
  warn: Warn,
): readonly string[] {
  const lines = ['listen:']
  for (const { place, host, port, hosts, tls } of listeners) {
    if (hosts?.size === 0) continue
    lines.push(`  # ${shown(place)}`, `  - host: ${quoted(host)}`, `    port: ${port}`)
    if (hosts !== undefined) lines.push(`    domains: [${[...hosts.keys()].map(quoted).join(', ')}]`)
    if (tls === undefined) continue
    const file = quoted(tls.certfile || '/etc/ejabberd/ejabberd.pem')
    const isThere = tls.certfile !== '' && isReadable(tls.certfile)
    if (!isThere) {
      warn(
        tls.place,
        'listen',
        `is TLS, with a certificate that ${tls.certfile === '' ? 'certfiles holds' : `cannot be read at ${quoted(tls.certfile)}`}: the listener is plain TCP until its tls is completed`,
      )
      lines.push(`    # ${shown(tls.place)} is TLS. Name a certificate that Switchyard may read, and take the # away:`)
    }
    lines.push(`    ${isThere ? '' : '# '}tls: {cert: ${file}, key: ${file}}`)
  }
  return lines
}

function domainLines({ name, place, secrets, balancing }: ServedDomain, port: number): readonly string[] {
  const [first = placeholder] = secrets
  const accepted = secrets.length > 1 ? `secrets: [${secrets.map(secret).join(', ')}]` : `secret: ${secret(first)}`
  return [
    `  # ${shown(place)}`,
    `  ${quoted(name)}:`,
    `    ${accepted}`,
    ...(isHashed(balancing) ? ['    # The buckets that ejabberd gives.', '    hash: erlang_phash2'] : []),
    '    upstream:',
    `      service: "xmpp://127.0.0.1:${port}"`,
    `      secret: ${secret(first)}`,
  ]
}

function isHashed(balancing: EjabberdBalancing | undefined): boolean {
  return balancing?.count !== undefined && balancing.type !== 'random'
}

function balancingLines(domains: readonly ServedDomain[], warn: Warn): readonly string[] {
  const lines = domains.flatMap(({ name, balancing }) => {
    if (balancing === undefined) return []
    const { place, type, count } = balancing
    const lines = [`  # ${shown(place)}`]
    if (count === undefined && type !== 'random') {
      const says = `${name} has no component_number: a key meets one of all instances, and not the one that it met at ejabberd`
      warn(place, 'domain_balancing', says)
      lines.push(`  # ${says}.`)
    }
    return [...lines, `  ${quoted(name)}: {type: ${type}${count === undefined ? '' : `, component_number: ${count}`}}`]
  })
  return lines.length === 0 ? [] : ['domain_balancing:', ...lines, '']
}

function limitLines(listeners: readonly ComponentListener[]): readonly string[] {
  const sizes = listeners.map(({ maxStanzaBytes }) => maxStanzaBytes ?? Number.POSITIVE_INFINITY)
  const largest = Math.max(...sizes)
  if (!Number.isFinite(largest)) {
    return ['# ejabberd takes stanzas of any size from a component; here limits.stanza_bytes is 512KiB.', '']
  }
  const bytes = Math.min(Math.max(largest, stanzaBytes.least), stanzaBytes.most)
  const bounded = bytes === largest ? '' : `  # max_stanza_size is ${largest}`
  return ['limits:', `  stanza_bytes: ${formatBytes(bytes)}${bounded}`, '']
}

/** The other half: what ejabberd is to have instead. */
function ejabberdLines(
  { listeners }: EjabberdComponents,
  domains: readonly ServedDomain[],
  port: number,
): readonly string[] {
  const balanced = domains.flatMap(({ balancing }) => balancing ?? [])
  return [
    '# In ejabberd, put this in the place of the ejabberd_service listeners at',
    `# ${listeners.map(({ place }) => shown(place)).join(', ')}:`,
    '#',
    '#   listen:',
    `#     - port: ${port}`,
    '#       ip: "127.0.0.1"',
    '#       module: ejabberd_service',
    '#       global_routes: false',
    ...keptLines(listeners),
    '#       hosts:',
    ...domains.map(
      ({ name, secrets }) => `#         ${quoted(name)}: {password: ${quoted(secrets[0] ?? placeholder)}}`,
    ),
    ...(balanced.length === 0
      ? []
      : [
          '#',
          `# and take domain_balancing out (${balanced.map(({ place }) => shown(place)).join(', ')}): Switchyard is one component there,`,
          '# and ejabberd would drop what is for the other buckets.',
        ]),
    '#',
    '# Stop the components, and restart ejabberd; a node that is in no cluster may also reload (ejabberdctl reload_config).',
  ]
}

/** There is one listener for all: where those of ejabberd differ, one is chosen by who reads this. */
function keptLines(listeners: readonly ComponentListener[]): readonly string[] {
  const lines = new Set<string>()
  for (const { kept } of listeners) for (const [key, text] of kept) lines.add(`#       ${key}: ${quoted(text)}`)
  const keys = [...lines].map((line) => line.split(':', 1)[0])
  return [...lines].map((line, at) =>
    keys.indexOf(keys[at]) < at ? `${line.replace('#  ', '# #')}  # or this one: the listeners differ` : line,
  )
}

/** Behind the first listener's, the next one that nothing of ejabberd's listens on. */
function portFor({ listeners, ports }: EjabberdComponents): number {
  let port = listeners[0]?.port ?? 5347
  do port = port === 65_535 ? 5347 : port + 1
  while (ports.has(port))
  return port
}

const shown = ({ file, line }: Place): string => `${file}:${line}`
/** Of JSON, as of YAML in double quotes. */
const quoted = (text: string): string => JSON.stringify(text)
/** Not to be read as a reference to a variable. */
const secret = (text: string): string => quoted(text.replaceAll('${', () => '$${'))
