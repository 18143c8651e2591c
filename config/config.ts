import type { RawBalancing, RawCluster, RawConfig, RawDomain, RawUpstream } from './schema.ts'

/** The configuration as the rest of Switchyard reads it: every default filled in, every name in one spelling, frozen. */
export interface Config {
  readonly node: string
  /** Our own address; also a key of `domains` when it has an upstream. */
  readonly address: string
  /** Bare JIDs, normalised. */
  readonly admins: readonly string[]
  /** Clear text beyond loopback is refused. */
  readonly require_tls?: true
  readonly listen: readonly Listener[]
  /** By normalised name, in the file's order. */
  readonly domains: ReadonlyMap<string, Domain>
  readonly admin?: Admin
  readonly cluster?: Cluster
  readonly limits: Readonly<RawConfig['limits']>
  readonly drain: Readonly<RawConfig['drain']>
  readonly log: Readonly<RawConfig['log']>
}

export interface Listener {
  readonly host: string
  readonly port: number
  /** Addresses and networks that may connect; absent: all. */
  readonly from?: readonly string[]
  /** Each connection begins with a header of the PROXY protocol. */
  readonly proxy_protocol?: true
  /** Normalised names; absent: every domain. */
  readonly domains?: readonly string[]
  /** Paths, relative to the working directory or absolute; they could be read when the configuration was loaded. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string }
  /** Of instances whose domain has none. */
  readonly shaper?: Shaper
}

/** How fast a stream is read: bytes in a second, and at once after a quiet time. */
export interface Shaper {
  readonly rate: number
  readonly burst: number
}

/** Exactly one of `secrets` and `instances`; neither for our own address, to which no instance connects. */
export interface Domain
  extends Readonly<
    Pick<
      RawDomain,
      | 'when_unassigned'
      | 'delivery'
      | 'on_conflict'
      | 'bare_domain'
      | 'hash'
      | 'iq_seconds'
      | 'presence_repair_seconds'
      | 'redeliver_set'
      | 'require_confirmation'
      | 'retry_get'
    >
  > {
  readonly name: string
  /** Any of these authenticates an instance; the node names it. */
  readonly secrets?: readonly string[]
  /** Beside `secrets`, which are none then where only these are to count: as those of an instance. */
  readonly certificates?: readonly string[]
  /** By name. */
  readonly instances?: ReadonlyMap<string, Instance>
  /** Absent: a random instance, local first. */
  readonly balancing?: Balancing
  readonly canary?: Readonly<NonNullable<RawDomain['canary']>>
  readonly slow_start_seconds?: number
  readonly balance_factor?: number
  /** By key in normal form, in percent. */
  readonly hot_keys?: ReadonlyMap<string, number>
  readonly shaper?: Shaper
  readonly upstream?: Upstream
  readonly hold: Readonly<RawDomain['hold']>
}

export interface Instance {
  readonly secrets: readonly string[]
  /** Client certificates that stand for a secret: `sha256:` and 64 lower-case digits, or a DNS name. */
  readonly certificates?: readonly string[]
  readonly bucket?: number
  /** Absent: 1. */
  readonly weight?: number
}

export type Balancing = Readonly<RawBalancing>

export interface Upstream {
  /** As written. */
  readonly service: string
  readonly host: string
  readonly port: number
  readonly tls: boolean
  /** Path of the authority to trust. */
  readonly ca?: string
  readonly servername?: string
  /** The SHA-256 of public keys (SPKI), of which the server's must be one; as in `Instance.certificates`. */
  readonly pins?: readonly string[]
  readonly secret: string
  readonly links: RawUpstream['links']
  readonly queue: Readonly<RawUpstream['queue']>
}

export interface Cluster extends Readonly<Omit<RawCluster, 'redis' | 'sentinel' | 'ca'>> {
  /** URLs with their passwords, never to be shown: one Redis, several nodes of a Redis Cluster, or sentinels. */
  readonly redis: readonly string[]
  /** The master's name at the sentinels. */
  readonly sentinel?: string
  /** Path of the authority to trust. */
  readonly ca?: string
}

export interface Admin {
  readonly host: string
  readonly port: number
  readonly token?: string
}
