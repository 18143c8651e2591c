import { criteria } from '../balancing/criterion.ts'
import type { EjabberdSource, Entry, Place, Value } from './ejabberd-source.ts'
import { isAddress, normaliseDomain } from './names.ts'
import { type Problem, showKind, showValue } from './problems.ts'

/** What ejabberd's configuration says about components, with the places that say it. */
export interface EjabberdComponents {
  readonly listeners: readonly ComponentListener[]
  /** By normalised name. */
  readonly balancing: ReadonlyMap<string, EjabberdBalancing>
  /** Ports that some listener of ejabberd's has, of whatever module. */
  readonly ports: ReadonlySet<number>
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
}

/** A `listen` entry whose module is `ejabberd_service`. */
export interface ComponentListener {
  readonly place: Place
  readonly host: string
  readonly port: number
  /** By normalised name the password; undefined: none is written. Absent: it takes any name, with the listener's password. */
  readonly hosts?: ReadonlyMap<string, { readonly place: Place; readonly password: string | undefined }>
  readonly password: string | undefined
  /** The file that its certificate and key are in; empty where only `tls: true` is said. */
  readonly tls?: { readonly place: Place; readonly certfile: string }
  readonly maxStanzaBytes?: number
  /** What only ejabberd does, for its listener towards Switchyard: the text of each option. */
  readonly kept: ReadonlyMap<(typeof keptOptions)[number], string>
}

export interface EjabberdBalancing {
  readonly place: Place
  readonly type: (typeof criteria)[number]
  readonly count: number | undefined
}

/** What Switchyard does in its own way, by option of a listener; a value that is listed is one that changes nothing. */
const otherwise: Readonly<Record<string, readonly [harmless: readonly string[], says: string]>> = {
  access: [['all'], 'Switchyard has no access rules: keep this one in ejabberd, at its listener for Switchyard'],
  shaper: [
    ['none'],
    'is not carried over: listen[].shaper and domains.{name}.shaper are ours; keep this one in ejabberd',
  ],
  shaper_rule: [
    ['none'],
    'is not carried over: listen[].shaper and domains.{name}.shaper are ours; keep this one in ejabberd',
  ],
  check_from: [['true'], 'Switchyard always checks the from of a stanza: a component may send for its own domain only'],
  global_routes: [
    ['false'],
    'a component of Switchyard serves the one domain that it logs in as, not all of the listener',
  ],
  max_fsm_queue: [[], 'Switchyard bounds its queues in bytes: limits.outbox_bytes and hold.bytes'],
  use_proxy_protocol: [['false'], 'is not carried over'],
  transport: [['tcp'], 'components connect by TCP'],
  ciphers: [[], 'is not carried over: Switchyard takes what RFC 9325 recommends'],
  protocol_options: [[], 'is not carried over: Switchyard takes TLS 1.2 and 1.3'],
  dhfile: [[], 'is not carried over'],
  cafile: [[], 'is not carried over: listen[].tls.ca asks components for a certificate'],
  tls_compression: [['false'], 'is not carried over'],
}

/** Names of rules, which only ejabberd has. */
const keptOptions = ['access', 'shaper_rule', 'shaper'] as const

const known = ['module', 'port', 'ip', 'hosts', 'password', 'tls', 'certfile', 'max_stanza_size']
const silent = ['backlog', 'accept_interval', 'send_timeout', 'supervisor', 'inet', 'inet6']

export function readComponents({ options, problems: unread }: EjabberdSource): EjabberdComponents {
  const reader = new Reader()
  const listeners: ComponentListener[] = []
  const ports = new Set<number>()
  for (const { value } of options.filter(({ key }) => key === 'listen')) {
    for (const [index, item] of reader.items(value, 'listen').entries()) {
      const entries = item.kind === 'map' ? item.entries : []
      const port = entries.find(({ key }) => key === 'port')
      if (port?.value.kind === 'scalar') ports.add(Number(port.value.text))
      const module = entries.find(({ key }) => key === 'module')?.value
      if (module?.kind !== 'scalar' || module.text !== 'ejabberd_service') continue
      const listener = reader.listener(item.place, entries, `listen[${index}]`)
      if (listener !== undefined) listeners.push(listener)
    }
  }
  reader.routers(options)
  const balancing = reader.balancing(options)
  return { listeners, balancing, ports, problems: [...unread, ...reader.problems], warnings: reader.warnings }
}

class Reader {
  readonly problems: Problem[] = []
  readonly warnings: Problem[] = []

  items(value: Value, path: string): readonly Value[] {
    if (value.kind === 'list') return value.items
    this.#refuse(value.place, path, `must be a list, not ${kindOf(value)}`)
    return []
  }

  listener(place: Place, entries: readonly Entry[], path: string): ComponentListener | undefined {
    const values = this.#options(entries, path)
    for (const [key, value] of values) this.#look(key, value, `${path}.${key}`)
    const host = this.#text(values.get('ip'), `${path}.ip`) ?? '0.0.0.0'
    if (!isAddress(host))
      this.#refuse(values.get('ip')?.place ?? place, `${path}.ip`, `must be an address, not ${showValue(host)}`)
    const port = this.#integer(values.get('port') ?? { kind: 'scalar', place, text: '' }, `${path}.port`, 1, 65535)
    const hosts = values.get('hosts')
    const certfile = values.get('certfile')
    const size = values.get('max_stanza_size')
    const tls = values.get('tls')
    const isTls = tls?.kind === 'scalar' && /^(true|yes|on|y)$/.test(tls.text)
    if (port === undefined) return undefined
    return {
      ...{ place, host, port, password: this.#text(values.get('password'), `${path}.password`) },
      ...(hosts === undefined ? {} : { hosts: this.#hosts(hosts, `${path}.hosts`) }),
      ...(isTls ? { tls: { place: tls.place, certfile: this.#text(certfile, `${path}.certfile`) ?? '' } } : {}),
      ...(size?.kind === 'scalar' && /^\d+$/.test(size.text) ? { maxStanzaBytes: Number(size.text) } : {}),
      kept: new Map(keptOptions.flatMap((key) => this.#kept(key, values.get(key)))),
    }
  }

  #kept<K extends (typeof keptOptions)[number]>(key: K, value: Value | undefined): readonly [K, string][] {
    if (value?.kind !== 'scalar' || otherwise[key]?.[0].includes(value.text)) return []
    return [[key, value.text]]
  }

  #look(key: string, value: Value, path: string): void {
    const [harmless, says] = otherwise[key] ?? []
    const text = value.kind === 'scalar' ? value.text : undefined
    if (says !== undefined) {
      if (text === undefined || !harmless?.includes(text)) this.warn(value.place, path, says)
    } else if (!known.includes(key) && !silent.includes(key)) {
      this.#refuse(value.place, path, 'is no option of ejabberd_service')
    }
  }

  #hosts(value: Value, path: string): NonNullable<ComponentListener['hosts']> {
    const hosts = new Map<string, { readonly place: Place; readonly password: string | undefined }>()
    if (value.kind !== 'map') {
      this.#refuse(value.place, path, `must be a map of domains, not ${kindOf(value)}`)
      return hosts
    }
    for (const { key, place, value: options } of value.entries) {
      const name = this.#domain(key, place, path, hosts)
      if (name === undefined) continue
      const given = options.kind === 'map' ? options.entries.find((option) => option.key === 'password') : undefined
      hosts.set(name, { place, password: this.#text(given?.value, `${path}.${key}.password`) })
    }
    return hosts
  }

  /** The number of buckets is in `domain_balancing`, or in the older `domain_balancing_component_number`, or in both. */
  balancing(options: readonly Entry[]): ReadonlyMap<string, EjabberdBalancing> {
    const found = new Map<string, EjabberdBalancing>()
    for (const { key: name, place, value, path } of this.#perDomain(options, 'domain_balancing')) {
      const entries = value.kind === 'map' ? this.#options(value.entries, path) : new Map([['type', value]])
      const type = this.#type(entries.get('type'), `${path}.type`)
      const count = entries.get('component_number')
      const number = count && this.#integer(count, `${path}.component_number`, 2, 1000)
      for (const [option, { place }] of entries) {
        if (option !== 'type' && option !== 'component_number')
          this.#refuse(place, `${path}.${option}`, 'is no option of domain_balancing')
      }
      found.set(name, { place, type, count: number })
    }
    for (const { key: name, place, value, path } of this.#perDomain(options, 'domain_balancing_component_number')) {
      const count = this.#integer(value, path, 2, 1000)
      const { place: first = place, type = 'random', count: other } = found.get(name) ?? {}
      if (other !== undefined && count !== undefined && other !== count) {
        this.#refuse(value.place, path, `is ${count}, but domain_balancing says ${other}`)
      }
      found.set(name, { place: first, type, count: other ?? count })
    }
    return found
  }

  #perDomain(options: readonly Entry[], option: string): readonly (Entry & { readonly path: string })[] {
    const seen = new Set<string>()
    return options
      .filter(({ key }) => key === option)
      .flatMap(({ value }) => {
        if (value.kind === 'map') return value.entries
        this.#refuse(value.place, option, `must be a map of domains, not ${kindOf(value)}`)
        return []
      })
      .flatMap((entry) => {
        const name = this.#domain(entry.key, entry.place, option, seen)
        if (name === undefined) return []
        seen.add(name)
        return [{ ...entry, key: name, path: `${option}.${JSON.stringify(entry.key)}` }]
      })
  }

  #type(value: Value | undefined, path: string): EjabberdBalancing['type'] {
    const text = this.#text(value, path) ?? 'random'
    const type = criteria.find((criterion) => criterion === text)
    if (type === undefined && value !== undefined) {
      this.#refuse(value.place, path, `must be ${criteria.join(', ')}, not ${showValue(text)}`)
    }
    return type ?? 'random'
  }

  /** Who had which bucket is known only of ejabberd's own router table. */
  routers(options: readonly Entry[]): void {
    const written = new Map(options.map((entry) => [entry.key, entry]))
    const router = written.get('router_db_type') ?? written.get('default_ram_db')
    if (router?.value.kind === 'scalar' && router.value.text !== 'mnesia' && router.value.text !== 'internal') {
      const says = `is ${showValue(router.value.text)}: ejabberd numbers the components of a domain only with mnesia, so its buckets were others`
      this.warn(router.value.place, router.key, says)
    }
  }

  #options(entries: readonly Entry[], path: string): ReadonlyMap<string, Value> {
    const values = new Map<string, Value>()
    for (const { key, place, value } of entries) {
      if (values.has(key)) this.#refuse(place, `${path}.${key}`, 'is written twice')
      else values.set(key, value)
    }
    return values
  }

  #domain(text: string, place: Place, path: string, seen: { has(name: string): boolean }): string | undefined {
    const name = normaliseDomain(text)
    if (name === undefined) this.#refuse(place, path, `names ${showValue(text)}, which is no XMPP domain`)
    else if (seen.has(name)) this.#refuse(place, path, `names ${showValue(text)} twice`)
    else return name
    return undefined
  }

  #text(value: Value | undefined, path: string): string | undefined {
    if (value === undefined || value.kind === 'scalar') return value?.text
    this.#refuse(value.place, path, `must be a text, not ${kindOf(value)}`)
    return undefined
  }

  #integer(value: Value, path: string, least: number, most: number): number | undefined {
    const number = value.kind === 'scalar' && /^\d{1,9}$/.test(value.text) ? Number(value.text) : Number.NaN
    if (number >= least && number <= most) return number
    const given = value.kind === 'scalar' && value.text !== '' ? showValue(value.text) : kindOf(value)
    this.#refuse(value.place, path, `must be an integer from ${least} to ${most}, not ${given}`)
    return undefined
  }

  warn(place: Place, path: string, message: string): void {
    this.warnings.push({ ...place, path, message })
  }

  #refuse(place: Place, path: string, message: string): void {
    this.problems.push({ ...place, path, message })
  }
}

function kindOf(value: Value): string {
  return value.kind === 'scalar'
    ? value.text === ''
      ? 'nothing'
      : 'a text'
    : showKind(value.kind === 'list' ? [] : {})
}
