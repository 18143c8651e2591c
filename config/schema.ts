import type { Static } from '@sinclair/typebox'
import { mostWeight, usualWeight } from '../balancing/terms.ts'
import {
  bareJid,
  bytes,
  certificateName,
  choice,
  domain,
  filePath,
  fingerprint,
  flag,
  group,
  host,
  integer,
  keyPrefix,
  list,
  map,
  name,
  network,
  port,
  redisUrls,
  seconds,
  secretText,
  service,
  text,
} from './kinds.ts'
import { limits, shaper } from './limits-schema.ts'
import { terms } from './terms-schema.ts'
import { Type } from './type.ts'

/**
 * Every key of the configuration, once: the types, defaults, checks, messages and the README's table come from here.
 */
const optional = Type.Optional
const MiB = 1024 ** 2
const GiB = 1024 ** 3
const WEEK = 7 * 24 * 3600

const secretFile = () =>
  optional(filePath({ description: 'The secret is in this file; a newline at its end is left out.' }))

const secrets = (owner: string) => ({
  secret: optional(secretText({ description: `What ${owner} authenticates with (XEP-0114 handshake).` })),
  secrets: optional(
    list(secretText({ description: 'One accepted secret.' }), {
      minItems: 1,
      description: 'Several accepted secrets, `[new, old]`, while one replaces the other.',
      secret: true,
      expects: 'a list of one or more strings',
    }),
  ),
  secret_file: secretFile(),
  certificates: optional(
    list(certificateName({ description: 'One accepted certificate.' }), {
      minItems: 1,
      description: `A client certificate that stands for the secret of ${owner}: its SHA-256, or a DNS name in it. Where a listener has \`tls.ca\`.`,
      expects: 'a list of one or more SHA-256 fingerprints (`sha256:…`) or DNS names',
    }),
  ),
})

const instance = group({
  ...secrets('this instance'),
  bucket: optional(integer(0, 999, { description: 'The bucket that is its own; below `component_number`.' })),
  weight: optional(
    integer(0, mostWeight, {
      description: `Its share beside the others’, ${usualWeight} where nothing is said; 0: only where there is no other. Not with buckets.`,
    }),
  ),
})

const upstream = group(
  {
    service: service({ description: 'The server’s component port; 5347 when no port is given; `xmpps` is TLS.' }),
    secret: optional(secretText({ description: 'What the domain authenticates with at the server.' })),
    secret_file: secretFile(),
    links: choice(['one', 'each'], {
      default: 'one',
      description: '`one`: a single node holds the link; `each`: every node dials its own.',
    }),
    tls: optional(
      group(
        {
          ca: optional(filePath({ description: 'Trust this authority (PEM) instead of the well-known ones.' })),
          servername: optional(host({ description: 'The name that the server’s certificate must have.' })),
          pins: optional(
            list(fingerprint({ description: 'One public key.' }), {
              minItems: 1,
              description: 'Besides all else, its public key (SPKI) must have one of these SHA-256.',
              expects: 'a list of one or more SHA-256 fingerprints (`sha256:…`)',
            }),
          ),
        },
        { description: 'Only with `xmpps://`.' },
      ),
    ),
    queue: group(
      {
        seconds: seconds(0, 3600, { default: 30, description: 'How long a stanza waits while the link is down.' }),
        bytes: bytes(0, 4 * GiB, { default: '16MiB', description: 'How much waits at most while the link is down.' }),
      },
      { default: {}, description: 'What instances send while the link is down.' },
    ),
  },
  { description: 'The XMPP server behind the domain. Absent: reachable only from components connected here.' },
)

const served = group({
  ...secrets('every instance of the domain'),
  instances: optional(
    map(name({ description: 'The instance’s name.' }), instance, {
      description: 'Named instances, each with its own secret, which says who connects.',
    }),
  ),
  upstream: optional(upstream),
  when_unassigned: choice(['hold', 'bounce', 'spill'], {
    default: 'hold',
    description: 'What a stanza meets whose bucket or domain has no instance.',
  }),
  hold: group(
    {
      seconds: seconds(0, WEEK, {
        default: 10,
        description: 'How long a stanza is held; then it is bounced. More than an hour only with `store: redis`.',
      }),
      bytes: bytes(0, 4 * GiB, { default: '16MiB', description: 'How much is held at most for the domain.' }),
      store: choice(['memory', 'redis'], {
        default: 'memory',
        description:
          '`redis`: what is held is there still when the node has been stopped, or killed, and started anew.',
      }),
    },
    { default: {}, description: 'The bounds of a hold.' },
  ),
  delivery: choice(['at_least_once', 'at_most_once', 'journal'], {
    default: 'at_least_once',
    description:
      'Whether what an instance had not confirmed when it died is sent again; `journal`: that, and a stanza is in Redis before it counts as read, so that it outlives the node.',
  }),
  on_conflict: choice(['replace', 'refuse'], {
    default: 'replace',
    description: 'A second stream under a name in use: the old one is closed, or the new one refused.',
  }),
  bare_domain: choice(['destination', 'source'], {
    default: 'destination',
    description: 'What keys a stanza to the bare domain under a destination criterion; `source`: its `bare_source`.',
  }),
  hash: choice(['murmur3', 'erlang_phash2'], {
    default: 'murmur3',
    description:
      'How a key becomes a bucket. `erlang_phash2`: every user has the bucket that ejabberd gives; needs a `component_number`.',
  }),
  ...terms,
  shaper: optional(shaper('of each instance of the domain. Goes before that of the listener')),
  iq_seconds: seconds(1, 86400, { default: 300, description: 'How long an iq request may stay unanswered.' }),
  presence_repair_seconds: seconds(0, 86400, {
    default: 60,
    description: 'When nobody repeats what a dead instance’s presence said, `unavailable` is sent for it; 0: never.',
  }),
  redeliver_set: flag({
    default: false,
    description: 'Send an iq set again, too, whose instance died before it confirmed it; otherwise it is bounced.',
  }),
  require_confirmation: flag({
    default: false,
    description: 'Close an instance that answers no pings, rather than serve it at most once.',
  }),
  retry_get: flag({
    default: false,
    description: 'Send an iq get whose instance died once more, to the new holder, instead of bouncing it.',
  }),
})

const componentNumber = (description: string) => integer(2, 1000, { description })

export const balancing = group({
  type: choice(['random', 'source', 'destination', 'bare_source', 'bare_destination'], {
    default: 'random',
    description: 'The criterion: which address is the key. `bare_*` keeps all of one user or room together.',
  }),
  component_number: optional(componentNumber('How many buckets; absent: one instance out of all, by rendezvous.')),
})

const listener = group({
  host: host({ default: '127.0.0.1', description: 'The address to listen on.' }),
  port: port({ description: 'The port; 0 takes a free one.' }),
  from: optional(
    list(network({ description: 'Who may connect.' }), {
      minItems: 1,
      description: 'Only these may connect; with `proxy_protocol`: the balancers.',
    }),
  ),
  proxy_protocol: flag({
    default: false,
    description:
      'Every connection begins with a header of the PROXY protocol (version 1 or 2), which says who is behind the balancer. Whoever connects is believed: see `from`.',
  }),
  domains: optional(
    list(domain({ description: 'A configured domain.' }), { minItems: 1, description: 'Serve only these here.' }),
  ),
  tls: optional(
    group(
      {
        cert: filePath({ description: 'The certificate chain (PEM).' }),
        key: filePath({ description: 'Its private key (PEM).' }),
        ca: optional(filePath({ description: 'Instances must show a certificate of this authority (PEM).' })),
      },
      { description: 'TLS from the first byte, or from the one after the PROXY header. Absent: plain TCP.' },
    ),
  ),
  shaper: optional(shaper('of each instance that connects here')),
})

const admin = group(
  {
    host: host({ default: '127.0.0.1', description: 'The address to listen on.' }),
    port: port({ default: 9090, description: 'The port; 0 takes a free one.' }),
    token: optional(secretText({ description: 'The bearer token for all that changes something.' })),
    token_file: optional(filePath({ description: 'The token is in this file; a newline at its end is left out.' })),
  },
  { description: 'The admin HTTP server. Absent: none.' },
)

const cluster = group(
  {
    redis: redisUrls({
      description:
        'The Redis (7 or newer), as `redis://user:password@host:port/db`; `rediss` is TLS, what is special in a password `%`-encoded. Several: nodes of a Redis Cluster, or sentinels.',
    }),
    sentinel: optional(text({ description: 'The master’s name at the sentinels, which the URLs are then.' })),
    ca: optional(
      filePath({ description: 'With `rediss`: trust this authority (PEM) instead of the well-known ones.' }),
    ),
    key_prefix: keyPrefix({
      default: 'switchyard:',
      description: 'What the names of all keys in Redis begin with. Nodes with the same one are one cluster.',
    }),
    inbox_bytes: bytes(MiB, 4 * GiB, {
      default: '64MiB',
      description:
        'How much this node lets wait in Redis for one other node; what is more is held here. And how much it keeps there for `delivery: journal` that is on its way; then who sends more is slowed down.',
    }),
    startup_delay_seconds: seconds(0, 3600, {
      default: 0,
      description: 'How long a node that starts waits before it joins.',
    }),
    startup_retries: integer(0, 1_000_000, {
      default: 10,
      description: 'How often a node that starts tries again to join when Redis cannot be reached; then it exits.',
    }),
    retry_seconds: seconds(0.1, 3600, { default: 3, description: 'The time between those.' }),
    task_seconds: seconds(1, 3600, {
      default: 30,
      description: 'How long a cluster task (reload, drain, state) waits for the answers of the nodes.',
    }),
  },
  { description: 'The nodes that share one routing table, over Redis. Absent: one node, in memory.' },
)

const domainKey = () => domain({ description: 'The domain.' })

export const schema = group({
  node: optional(name({ description: 'The node’s name. Absent: the host’s name.' })),
  address: domain({
    default: 'switchyard.localhost',
    description:
      'Our own XMPP address: the local router answers here. List it under `domains`, with an `upstream` only, to reach it from outside.',
  }),
  admins: list(bareJid({ description: 'A bare JID that may use the ad-hoc commands.' }), {
    default: [],
    description:
      'Who may use the ad-hoc commands at our own address; nobody of a served domain, whose instances could say they were.',
  }),
  listen: list(listener, {
    minItems: 1,
    description: 'Where instances connect.',
    expects: 'a list of one or more listeners',
  }),
  require_tls: flag({
    default: false,
    description: 'Refuse what would show secrets or stanzas in clear text beyond loopback, rather than warn of it.',
  }),
  domains: map(domainKey(), served, { description: 'The domains that are served.' }),
  domain_balancing: map(domainKey(), balancing, {
    default: {},
    description: 'How each domain chooses an instance, as ejabberd writes it. Absent: a random one.',
  }),
  domain_balancing_component_number: map(domainKey(), componentNumber('How many buckets the domain has.'), {
    default: {},
    description: 'ejabberd’s older spelling of `component_number`.',
  }),
  cluster: optional(cluster),
  admin: optional(admin),
  limits,
  drain: group(
    { seconds: seconds(0, 3600, { default: 10, description: 'How long unanswered requests may take to finish.' }) },
    { default: {}, description: 'Moving work away before closing.' },
  ),
  log: group(
    {
      level: choice(['trace', 'debug', 'info', 'warn', 'error'], {
        default: 'info',
        description: 'The least that is logged.',
      }),
    },
    { default: {}, description: 'The log, JSON lines on standard output.' },
  ),
})

/** The file as it is written, checked and with its defaults, before domains, secrets and balancing are resolved. */
export type RawConfig = Static<typeof schema>
export type RawDomain = Static<typeof served>
export type RawUpstream = Static<typeof upstream>
export type RawInstance = Static<typeof instance>
export type RawListener = Static<typeof listener>
export type RawBalancing = Static<typeof balancing>
export type RawCluster = Static<typeof cluster>
export type RawAdmin = Static<typeof admin>
