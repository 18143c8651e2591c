import assert from 'node:assert/strict'
import { test } from 'node:test'
import { filesOf, listening, load, pem, problemsOf } from './loading.ts'

/** A domain `a.example` with the given body, and more sections behind it. */
const domain = (body: string, more = '') => `listen: [{port: 0}]\ndomains:\n  a.example: {${body}}\n${more}`

test('everything has a default, and the defaults are the contract', () => {
  const { config } = load(listening)
  assert.deepEqual(config, {
    node: 'box',
    address: 'switchyard.localhost',
    admins: [],
    listen: [{ host: '127.0.0.1', port: 5347 }],
    domains: new Map([
      [
        'a.example',
        {
          name: 'a.example',
          secrets: ['s3cret'],
          when_unassigned: 'hold',
          hold: { seconds: 10, bytes: 16_777_216, store: 'memory' },
          delivery: 'at_least_once',
          on_conflict: 'replace',
          bare_domain: 'destination',
          hash: 'murmur3',
          iq_seconds: 300,
          presence_repair_seconds: 60,
          redeliver_set: false,
          require_confirmation: false,
          retry_get: false,
        },
      ],
    ]),
    limits: {
      stanza_bytes: 524_288,
      depth: 128,
      elements: 10_000,
      attributes: 128,
      namespaces: 64,
      unauthenticated: 1024,
      unauthenticated_per_address: 32,
      handshake_seconds: 10,
      handshake_bytes: 8192,
      connections: 20_000,
      accepts_per_second: 1000,
      outbox_bytes: 1_048_576,
      stalled_after_seconds: 2,
      close_stalled_after_seconds: 30,
    },
    drain: { seconds: 10 },
    log: { level: 'info' },
  })
})

test('the configuration cannot be changed, maps included', () => {
  const { config } = load(domain('instances: {b: {secret: x}}'))
  assert.ok(config !== undefined)
  const { domains, limits } = config
  assert.throws(() => Object.assign(limits, { depth: 1 }), TypeError)
  assert.throws(() => (domains as Map<string, unknown>).set('b', 1), /read-only/)
  const instances = domains.get('a.example')?.instances as Map<string, unknown>
  assert.throws(() => instances.clear(), /read-only/)
  assert.throws(() => Object.assign(domains.get('a.example')?.hold ?? {}, { seconds: 0 }), TypeError)
})

test('one load leaves nothing behind for the next', () => {
  load(domain('secret: x, hold: {seconds: 1}', 'limits: {depth: 9}\n'))
  assert.deepEqual(load(listening).config, load(listening).config)
  assert.equal(load(listening).config?.limits.depth, 128)
})

test('[RFC 7622 §3.2] domains, the address and admins are normalised wherever they are written', () => {
  const { config } = load(`address: Yard.Example.
admins: [Admin@EXAMPLE.org]
listen: [{port: 0, domains: [BÜCHER.example]}]
domains: {xn--bcher-kva.EXAMPLE: {secret: x}}
domain_balancing: {Bücher.Example: {type: source}}
`)
  assert.equal(config?.address, 'yard.example')
  assert.deepEqual(config?.admins, ['admin@example.org'])
  assert.deepEqual(config?.listen[0]?.domains, ['bücher.example'])
  assert.deepEqual(config?.domains.get('bücher.example')?.balancing, { type: 'source' })
})

test('nobody of a served domain can be an admin: its instances could say that they are', () => {
  const problems = problemsOf(
    'admins: [a@example.org, root@A.example]\nlisten: [{port: 0}]\ndomains: {a.example: {secret: x}}\n',
  )
  assert.deepEqual(problems, [
    '1:25 admins[1]: is of the served domain a.example, whose instances can send as anybody of it',
  ])
})

test('a secret is one, several, in a file or from the environment', () => {
  const readFile = filesOf({ 'etc/secrets/a': 'from-file\n', '/run/b': 'two\n\n' })
  const secretsOf = (body: string) =>
    load(domain(body), { readFile, env: { S: 'from-env' } }).config?.domains.get('a.example')?.secrets
  assert.deepEqual(secretsOf('secret: x'), ['x'])
  assert.deepEqual(secretsOf('secrets: [new, old]'), ['new', 'old'])
  assert.deepEqual(secretsOf('secret_file: secrets/a'), ['from-file'])
  assert.deepEqual(secretsOf('secret_file: /run/b'), ['two\n'])
  assert.deepEqual(secretsOf(`secret: "\${S}"`), ['from-env'])
})

test('a secret that is missing, doubled or empty is refused where it should be', () => {
  assert.deepEqual(problemsOf(domain('iq_seconds: 1')), [
    '3:3 domains."a.example": needs one of secret, secrets, secret_file, instances',
  ])
  assert.deepEqual(problemsOf(domain('secret: x, secrets: [y]')), [
    '3:26 domains."a.example".secrets: cannot stand beside secret: give one of them',
  ])
  assert.deepEqual(problemsOf(domain('secret: ""')), [
    '3:23 domains."a.example".secret: must be a string that is not empty, not an empty string',
  ])
  assert.deepEqual(problemsOf(domain('secrets: []')), [
    '3:24 domains."a.example".secrets: must be a list of one or more strings, not an empty list',
  ])
  assert.deepEqual(problemsOf(domain('secret_file: no/such')), [
    '3:28 domains."a.example".secret_file: names "no/such", which cannot be read: no such file (ENOENT)',
  ])
  assert.deepEqual(problemsOf(domain('secret_file: s'), { readFile: filesOf({ 'etc/s': '\n' }) }), [
    '3:28 domains."a.example".secret_file: names a file without a secret in it',
  ])
})

test('named instances have a secret each and may have a bucket each', () => {
  const buckets = 'domain_balancing: {a.example: {type: bare_source, component_number: 2}}\n'
  const { config } = load(domain('instances: {blue: {secret: x, bucket: 1}, 7.10: {secrets: [y, z]}}', buckets))
  assert.deepEqual(
    config?.domains.get('a.example')?.instances,
    new Map([
      ['blue', { secrets: ['x'], bucket: 1 }],
      ['7.10', { secrets: ['y', 'z'] }],
    ]),
  )
  assert.equal(config?.domains.get('a.example')?.secrets, undefined)
})

test('named instances that cannot be told apart, or buckets that cannot be had, are refused', () => {
  const buckets = 'domain_balancing: {a.example: {component_number: 2}}\n'
  assert.deepEqual(problemsOf(domain('instances: {b: {secret: x}, c: {secrets: [y, x]}, node/1: {secret: z}}')), [
    '3:60 domains."a.example".instances.c.secrets[1]: is also the secret of b: the secret says which instance connects',
    '3:65 domains."a.example".instances."node/1": must be a name of 1 to 64 letters, digits, dots, hyphens and underscores, not "node/1"',
  ])
  assert.deepEqual(
    problemsOf(
      domain('instances: {b: {secret: x, bucket: 2}, c: {secret: y, bucket: 1}, d: {secret: z, bucket: 1}}', buckets),
    ),
    [
      '3:50 domains."a.example".instances.b.bucket: is 2, but a.example has 2 buckets, 0 to 1',
      '3:104 domains."a.example".instances.d.bucket: is 1, which is the bucket of c',
    ],
  )
  assert.deepEqual(problemsOf(domain('instances: {b: {secret: x, bucket: 0}}')), [
    '3:42 domains."a.example".instances.b.bucket: needs a component_number for a.example in domain_balancing',
  ])
  assert.deepEqual(problemsOf(domain('instances: {}')), [
    '3:15 domains."a.example".instances: must have at least one instance',
  ])
})

test('both of ejabberd’s spellings of the number of buckets are merged, and the type is random by default', () => {
  const balancing = (more: string) => load(domain('secret: x', more)).config?.domains.get('a.example')?.balancing
  assert.equal(balancing(''), undefined)
  assert.deepEqual(balancing('domain_balancing: {a.example: {}}'), { type: 'random' })
  assert.deepEqual(balancing('domain_balancing_component_number: {a.example: 3}'), {
    type: 'random',
    component_number: 3,
  })
  assert.deepEqual(
    balancing('domain_balancing: {a.example: {type: source}}\ndomain_balancing_component_number: {a.example: 3}'),
    { type: 'source', component_number: 3 },
  )
  assert.deepEqual(
    balancing(
      'domain_balancing: {a.example: {component_number: 3}}\ndomain_balancing_component_number: {a.example: 3}',
    ),
    { type: 'random', component_number: 3 },
  )
})

test('balancing that contradicts itself or names no domain is refused', () => {
  const more = `domain_balancing:
  a.example: {component_number: 3}
  b.example: {type: source}
  switchyard.localhost: {}
domain_balancing_component_number:
  A.example: 4
  a.example.: 3
`
  assert.deepEqual(problemsOf(domain('secret: x', more)), [
    '6:3 domain_balancing."b.example": is not one of the configured domains',
    '7:3 domain_balancing."switchyard.localhost": is our own address, which has no instances',
    '9:14 domain_balancing_component_number."A.example": is 4, but domain_balancing says 3: give one number',
    '10:3 domain_balancing_component_number."a.example.": is the same domain as A.example',
  ])
  assert.deepEqual(problemsOf(domain('secret: x', 'domain_balancing: {a.example: {component_number: 1}}')), [
    '4:50 domain_balancing."a.example".component_number: must be an integer from 2 to 1000, not 1',
  ])
})

test('an upstream is parsed, its paths found from the configuration’s folder', () => {
  const readFile = filesOf({ 'etc/ca.pem': 'PEM', 'etc/link': 'l1nk\r\n' })
  const body =
    'secret: x, upstream: {service: "xmpps://[::1]:5276", secret_file: link, links: each, tls: {ca: ca.pem, servername: xmpp.example}, queue: {bytes: 1KiB}}'
  assert.deepEqual(load(domain(body), { readFile }).config?.domains.get('a.example')?.upstream, {
    service: 'xmpps://[::1]:5276',
    host: '::1',
    port: 5276,
    tls: true,
    ca: 'etc/ca.pem',
    servername: 'xmpp.example',
    secret: 'l1nk',
    links: 'each',
    queue: { seconds: 30, bytes: 1024 },
  })
})

test('an upstream without a secret, or with TLS settings on plain TCP, is refused', () => {
  assert.deepEqual(problemsOf(domain('secret: x, upstream: {service: xmpp://h, tls: {}}')), [
    '3:26 domains."a.example".upstream: needs one of secret, secret_file',
    '3:56 domains."a.example".upstream.tls: has no effect on xmpp://: write xmpps:// or leave it out',
  ])
})

test('our own address stands under domains with an upstream and nothing to log in with', () => {
  const own = (body: string) => domain('secret: x', `  switchyard.localhost: {${body}}\n`)
  const { config } = load(own('upstream: {service: xmpp://h, secret: y}'))
  assert.equal(config?.domains.get('switchyard.localhost')?.upstream?.host, 'h')
  assert.equal(config?.domains.get('switchyard.localhost')?.secrets, undefined)
  assert.deepEqual(problemsOf(own('secret: y')), [
    '4:3 domains."switchyard.localhost": is our own address, which stands here only with an upstream',
    '4:26 domains."switchyard.localhost".secret: stands at our own address, to which no instance connects',
  ])
})

test('a listener’s certificate must be readable, and its domains served', () => {
  const text = `listen:
  - {port: 1, domains: [b.example], tls: {cert: c.pem, key: k.pem}}
domains: {a.example: {secret: x}}
`
  assert.deepEqual(problemsOf(text, { readFile: filesOf({ 'etc/c.pem': pem }) }), [
    '2:25 listen[0].domains[0]: must be one of the configured domains, not b.example',
    '2:61 listen[0].tls.key: names "k.pem", which cannot be read: no such file (ENOENT)',
  ])
})

test('a socket at every address takes its port at each of them', () => {
  const said = (...hosts: readonly string[]) =>
    problemsOf(
      `listen: [${hosts.map((host) => `{host: '${host}', port: 8}`).join(', ')}]\ndomains: {a: {secret: x}}\nadmin: {port: 9}\n`,
    ).map((problem) => problem.replace(/^[\d:]+ /, ''))
  assert.deepEqual(said('0.0.0.0', '127.0.0.1'), [
    'listen[1].port: is 8 at 127.0.0.1, which listen[0] listens on at 0.0.0.0',
  ])
  assert.deepEqual(said('127.0.0.1', '::'), ['listen[1].port: is 8 at ::, which listen[0] listens on at 127.0.0.1'])
  assert.deepEqual(said('0.0.0.0', '::1'), [])
  assert.deepEqual(said('127.0.0.1', '127.0.0.2', '::1'), [])
  const admin = 'listen: [{host: 0.0.0.0, port: 8}]\ndomains: {a: {secret: x}}\nadmin: {port: 8}\n'
  assert.deepEqual(problemsOf(admin), ['3:15 admin.port: is 8 at 127.0.0.1, which listen[0] listens on at 0.0.0.0'])
})

test('two sockets cannot have one address and port, but any number may take a free one', () => {
  const text = (port: number) =>
    `listen: [{port: ${port}}, {port: ${port}}]\ndomains: {a: {secret: x}}\nadmin: {port: ${port}}\n`
  assert.deepEqual(problemsOf(text(0)), [])
  assert.deepEqual(problemsOf(text(8)), [
    '1:28 listen[1].port: is 8 at 127.0.0.1, which listen[0] listens on',
    '3:15 admin.port: is 8 at 127.0.0.1, which listen[0] listens on',
  ])
})

test('the admin token is written or in a file, not both', () => {
  const readFile = filesOf({ 'etc/t': 'from-file\n' })
  const admin = (body: string) => load(`${listening}admin: {${body}}\n`, { readFile }).config?.admin
  assert.equal(load(listening).config?.admin, undefined)
  assert.deepEqual(admin(''), { host: '127.0.0.1', port: 9090 })
  assert.deepEqual(admin('port: 0, token_file: t'), { host: '127.0.0.1', port: 0, token: 'from-file' })
  assert.deepEqual(problemsOf(`${listening}admin: {token: x, token_file: t}\n`, { readFile }), [
    '3:19 admin.token_file: cannot stand beside token: give one of them',
  ])
})

test('a host’s name that cannot name the node asks for one', () => {
  assert.deepEqual(problemsOf(listening, { hostname: 'no/name' }), [
    '1:1 node: is missing, and the host\'s name "no/name" cannot take its place',
  ])
})

test('a stalled peer is closed no earlier than it is stalled', () => {
  assert.deepEqual(problemsOf(`${listening}limits: {stalled_after_seconds: 5, close_stalled_after_seconds: 4}\n`), [
    '3:65 limits.close_stalled_after_seconds: must be no less than stalled_after_seconds, 5, not 4',
  ])
})

test('what is held longer than an hour, or is to outlive the node, wants Redis', () => {
  const redis = 'cluster: {redis: "rediss://yard:hunter2@cache.example:6380/1"}\n'
  assert.deepEqual(problemsOf(domain('secret: x, hold: {seconds: 3601}', redis)), [
    '3:42 domains."a.example".hold.seconds: must be at most 3600 with store: memory, not 3601',
  ])
  assert.deepEqual(problemsOf(domain('secret: x, hold: {store: redis}')), [
    '3:40 domains."a.example".hold.store: is redis, which needs cluster: {redis: redis://…}',
  ])
  const { config } = load(domain('secret: x, hold: {seconds: 604800, store: redis}', redis))
  assert.deepEqual(config?.domains.get('a.example')?.hold, { seconds: 604_800, bytes: 16_777_216, store: 'redis' })
  assert.deepEqual(config?.cluster, {
    redis: ['rediss://yard:hunter2@cache.example:6380/1'],
    key_prefix: 'switchyard:',
    inbox_bytes: 67_108_864,
    startup_delay_seconds: 0,
    startup_retries: 10,
    retry_seconds: 3,
    task_seconds: 30,
  })
})

test('a hash says how keys become buckets: it wants both', () => {
  const withHash = (rest: string) => problemsOf(domain('secret: x, hash: erlang_phash2', rest))
  const balanced = (entry: string) => withHash(`domain_balancing: {a.example: ${entry}}\n`)
  const noKeys =
    '3:32 domains."a.example".hash: is erlang_phash2, but no address is hashed: domain_balancing gives a.example no type, or random'
  assert.deepEqual(withHash(''), [noKeys])
  assert.deepEqual(balanced('{component_number: 3}'), [noKeys])
  assert.deepEqual(balanced('{type: source}'), [
    '3:32 domains."a.example".hash: is erlang_phash2, which needs a component_number for a.example in domain_balancing',
  ])
  assert.deepEqual(balanced('{type: source, component_number: 3}'), [])
  assert.deepEqual(
    withHash('domain_balancing: {a.example: {type: source}}\ndomain_balancing_component_number: {a.example: 3}\n'),
    [],
  )
  // One slip, one message.
  assert.deepEqual(balanced('{type: source, component_number: 1}').length, 1)
  assert.deepEqual(problemsOf(domain('secret: x, hash: phash2')).length, 1)
})
