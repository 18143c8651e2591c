import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

/** design.md, sections 3 and 10: what may import what, asked of the import statements themselves. */
const root = fileURLToPath(new URL('..', import.meta.url))

interface Module {
  /** From the root of the repository, with forward slashes. */
  readonly path: string
  readonly text: string
  /** Files of ours that it imports, by path. */
  readonly own: readonly string[]
  /** What is loaded with it, as it says. */
  readonly loaded: readonly string[]
  /** Packages and node's own modules that it imports. */
  readonly foreign: readonly string[]
}

const modules: readonly Module[] = ['src', 'balancing', 'config'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(posix.join(folder, name.replaceAll('\\', '/')))),
)
const byPath = new Map(modules.map((module) => [module.path, module]))

function read(path: string): Module {
  const text = readFileSync(join(root, path), 'utf8')
  const specifiers = importsOf(text)
  // AssemblyScript's imports leave the extension out.
  const extension = path.startsWith('src/xmpp/assembly/') ? '.ts' : ''
  const own = specifiers
    .filter((name) => name.startsWith('.'))
    .map((name) => posix.join(posix.dirname(path), `${name}${extension}`))
  return { path, text, own, loaded: loadedBy(text), foreign: specifiers.filter((name) => !name.startsWith('.')) }
}

/** Of `import … from 'x'`, `import 'x'`, `export … from 'x'` and `import('x')`, types included. */
function importsOf(text: string): readonly string[] {
  const statements = text.matchAll(
    /^\s*(?:import|export)\b[^'";]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gms,
  )
  const calls = text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)
  return [...statements, ...calls].map(([, first, second]) => first ?? second ?? '')
}

/** What is loaded with a file: not what is a type, or what is asked for when it is needed. */
function loadedBy(text: string): readonly string[] {
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(?!type\b)[^'";]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gms,
  )
  return [...statements].map(([, first, second]) => first ?? second ?? '')
}

/** All files that are loaded with one, itself among them. */
function reached(path: string, known = new Set<string>()): ReadonlySet<string> {
  if (known.has(path)) return known
  known.add(path)
  for (const name of byPath.get(path)?.loaded ?? []) {
    if (name.startsWith('.')) reached(posix.join(posix.dirname(path), name), known)
  }
  return known
}

function isOfCluster(path: string): boolean {
  return /^src\/(cluster\/|cluster-)/.test(path)
}

/** Which folder, or which file directly in src, a path belongs to. */
function layerOf(path: string): string {
  const [top, second, third] = path.split('/')
  if (top !== 'src') return `${top}/`
  return third === undefined ? `${second}` : `src/${second}/`
}

/** What the files of a folder may import of ours, outside themselves: folders, or single files of src. */
const folders: Readonly<Record<string, readonly string[]>> = {
  'balancing/': [],
  'src/xmpp/': [],
  'config/': ['src/xmpp/', 'balancing/'],
  'src/stream/': ['src/xmpp/'],
  'src/adhoc/': ['src/admin/', 'src/xmpp/', 'local.ts', 'log.ts', 'operations.ts'],
  'src/cluster/': ['balancing/', 'src/stream/', 'src/xmpp/', 'backoff.ts', 'log.ts'],
}

/** What the flat files of src may import of each other and of the folders; what is not listed is a root: see below. */
const files: Readonly<Record<string, readonly string[]>> = {
  'backoff.ts': [],
  'scanning.ts': ['src/stream/', 'src/xmpp/'],
  'clock.ts': [],
  'collector.ts': [],
  'counters.ts': ['histogram.ts', 'src/xmpp/'],
  'errors.ts': [],
  'histogram.ts': [],
  'log-codes.ts': [],
  'log.ts': ['log-codes.ts'],
  'metrics.ts': [
    'cluster-metrics.ts',
    'counters.ts',
    'histogram.ts',
    'loop-delay.ts',
    'waiting-metrics.ts',
    'link-metrics.ts',
    'src/xmpp/',
  ],
  'cluster-metrics.ts': [],
  'waiting-metrics.ts': [],
  'link-metrics.ts': [],
  'requests.ts': ['src/stream/', 'src/xmpp/'],
  'replies.ts': ['src/xmpp/'],
  'hold.ts': ['src/stream/', 'src/xmpp/'],
  'local.ts': ['counters.ts', 'src/xmpp/'],
  'listener.ts': [
    ...['src/stream/', 'src/xmpp/', 'counters.ts', 'errors.ts', 'log.ts', 'config/'],
    ...[
      'accepted-domain.ts',
      'introductions.ts',
      'listener-access.ts',
      'listener-tls.ts',
      'proxy-header.ts',
      'refusals.ts',
    ],
  ],
  'accepted-domain.ts': ['config/', 'src/stream/'],
  'listener-access.ts': ['config/'],
  'listener-tls.ts': ['config/', 'errors.ts', 'src/stream/', 'tls-settings.ts'],
  'tls-settings.ts': [],
  'overload.ts': ['log.ts'],
  'loop-delay.ts': [],
  'introductions.ts': ['proxy-header.ts'],
  'proxy-header.ts': [],
  'refusals.ts': ['counters.ts', 'log.ts'],
  'link.ts': [
    ...['src/stream/', 'src/xmpp/', 'backoff.ts', 'link-parser.ts', 'link-probe.ts', 'link-socket.ts'],
    ...['link-tenure.ts', 'link-timing.ts', 'link-tls.ts'],
  ],
  'link-parser.ts': ['src/xmpp/'],
  'link-probe.ts': ['src/stream/', 'src/xmpp/'],
  'link-socket.ts': ['src/stream/', 'link-tls.ts'],
  'link-tls.ts': ['tls-settings.ts'],
  'link-events.ts': ['counters.ts', 'link.ts', 'log.ts', 'router.ts', 'routes.ts', 'src/xmpp/'],
  'link-leases.ts': ['link-tenure.ts', 'remote-stream.ts'],
  'link-tenure.ts': ['src/stream/'],
  'link-timing.ts': [],
  'upstream.ts': ['src/stream/'],
  'adverts.ts': ['src/xmpp/'],
  'advertising.ts': ['domain-routes.ts', 'instance.ts'],
  'presences.ts': ['src/xmpp/'],
  'quarantine.ts': [],
  'instance.ts': ['counters.ts', 'histogram.ts', 'presences.ts', 'requests.ts', 'src/stream/', 'src/xmpp/'],
  'past.ts': ['src/stream/', 'src/xmpp/'],
  'passed-on.ts': ['domain-routes.ts', 'instance.ts', 'past.ts', 'src/stream/', 'src/xmpp/'],
  'replying.ts': ['clock.ts', 'instance.ts', 'src/stream/', 'src/xmpp/'],
  'faults.ts': ['instance.ts', 'replies.ts', 'src/stream/', 'src/xmpp/'],
  'unwritten.ts': ['src/stream/', 'src/xmpp/'],
  'journaling.ts': ['clock.ts', 'domain-routes.ts', 'instance.ts', 'past.ts', 'src/stream/', 'src/xmpp/'],
  'moving.ts': ['hold.ts', 'instance.ts'],
  'odds.ts': ['balancing/', 'clock.ts', 'instance.ts'],
  'snapshot.ts': ['balancing/', 'clock.ts', 'instance.ts', 'key.ts', 'odds.ts', 'src/xmpp/'],
  'rankings.ts': ['balancing/', 'instance.ts'],
  'succession.ts': ['domain-routes.ts', 'instance.ts'],
  'handovers.ts': ['hold.ts', 'instance.ts', 'snapshot.ts', 'src/xmpp/'],
  'allotment.ts': ['agreement.ts', 'assignment.ts', 'balancing/', 'config/', 'instance.ts'],
  'agreement.ts': ['balancing/', 'instance.ts'],
  'assignment.ts': ['balancing/', 'config/', 'instance.ts'],
  'registry.ts': ['domain-routes.ts', 'instance.ts', 'log.ts', 'router.ts', 'shares.ts', 'succession.ts'],
  'shares.ts': [
    'balancing/',
    'domain-routes.ts',
    'instance.ts',
    'log.ts',
    'moving.ts',
    'redelivery.ts',
    'router.ts',
    'snapshot.ts',
    'src/stream/',
    'succession.ts',
  ],
  'remote-stream.ts': ['instance.ts', 'src/cluster/', 'src/stream/'],
  'post-keeper.ts': ['hold.ts', 'past.ts', 'replies.ts', 'src/cluster/', 'src/stream/', 'src/xmpp/'],
  'cluster-adverts.ts': ['advertising.ts', 'domain-routes.ts', 'router.ts', 'routes.ts', 'src/cluster/'],
  'cluster-estates.ts': ['cluster-runs.ts', 'log.ts', 'src/cluster/'],
  'cluster-links.ts': ['link-leases.ts', 'link-tenure.ts', 'log.ts', 'remote-stream.ts', 'src/cluster/'],
  'departures.ts': ['domain-routes.ts', 'instance.ts', 'router.ts', 'routes.ts', 'shares.ts'],
  'cluster-changes.ts': ['balancing/', 'log.ts', 'src/cluster/'],
  'cluster-assignment.ts': ['assignment.ts', 'config/', 'domain-routes.ts', 'routes.ts', 'src/cluster/'],
  'cluster-reconciliation.ts': [
    ...['cluster-assignment.ts', 'domain-routes.ts', 'instance.ts', 'log.ts', 'routes.ts', 'shares.ts', 'src/cluster/'],
  ],
  'cluster-registry.ts': [
    'agreement.ts',
    'cluster-assignment.ts',
    'cluster-changes.ts',
    'cluster-reconciliation.ts',
    'departures.ts',
    'domain-routes.ts',
    'hold.ts',
    'instance.ts',
    'log.ts',
    'registry.ts',
    'remote-stream.ts',
    'router.ts',
    'routes.ts',
    'shares.ts',
    'src/cluster/',
    'src/stream/',
    'succession.ts',
  ],
  'cluster-runs.ts': [
    'domain-routes.ts',
    'log.ts',
    'passed-on.ts',
    'past.ts',
    'redelivery.ts',
    'router.ts',
    'routes.ts',
    'src/cluster/',
    'src/stream/',
  ],
  'own-state.ts': ['config/', 'cluster-member.ts', 'domain-routes.ts', 'routes.ts', 'src/cluster/'],
  'operations.ts': ['log.ts'],
  'node-usage.ts': ['operations.ts'],
  'node-actions.ts': [
    'config/',
    'domain-routes.ts',
    'drains.ts',
    'instance.ts',
    'log.ts',
    'operations.ts',
    'routes.ts',
  ],
  'node-tasks.ts': [
    'cluster-member.ts',
    'log.ts',
    'node-usage.ts',
    'operations.ts',
    'own-state.ts',
    'routes.ts',
    'sampler.ts',
    'src/admin/',
    'src/cluster/',
  ],
  'sampling.ts': ['balancing/', 'key.ts', 'src/xmpp/'],
  'sampler.ts': ['balancing/', 'config/', 'domain-routes.ts', 'routes.ts', 'sampling.ts', 'src/xmpp/'],
  'events.ts': ['log.ts', 'log-codes.ts'],
  'drains.ts': ['domain-routes.ts', 'instance.ts', 'log.ts', 'src/xmpp/'],
  'redelivery.ts': [
    'clock.ts',
    'domain-routes.ts',
    'instance.ts',
    'log.ts',
    'past.ts',
    'quarantine.ts',
    'replies.ts',
    'router.ts',
    'src/stream/',
    'src/xmpp/',
  ],
}

/** No file of a lower part may see these: they put the parts together or stand above them. */
const tops = [
  ...['gateway.ts', 'main.ts', 'view.ts', 'watch.ts', 'instances.ts', 'links.ts', 'listener.ts'],
  ...['cluster-seat.ts', 'cluster-node.ts', 'cluster-member.ts', 'node-tasks.ts', 'node-actions.ts'],
]
const above: Readonly<Record<string, readonly string[]>> = {
  'main.ts': [],
  'gateway.ts': ['src/commands/'],
  'view.ts': ['gateway.ts'],
  'watch.ts': ['gateway.ts'],
  'instances.ts': ['gateway.ts', 'sources.ts', 'watch.ts', 'census.ts', 'view.ts', 'cluster-seat.ts'],
  'links.ts': ['gateway.ts', 'sources.ts', 'watch.ts', 'census.ts', 'view.ts'],
  'listener.ts': ['gateway.ts'],
  'cluster-seat.ts': ['gateway.ts'],
  'cluster-node.ts': ['cluster-seat.ts'],
  'cluster-member.ts': [
    'cluster-node.ts',
    'cluster-seat.ts',
    'cluster-patience.ts',
    'node-tasks.ts',
    'own-state.ts',
    'view.ts',
  ],
  'node-tasks.ts': ['cluster-seat.ts'],
  'node-actions.ts': ['gateway.ts'],
}

test('every import of ours is of a file that exists, by its name', () => {
  for (const { path, own } of modules) {
    for (const target of own) assert.ok(existsSync(join(root, target)), `${path} imports ${target}`)
  }
})

test('no two modules import each other, by whatever way, types included', () => {
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): void => {
    assert.ok(!way.includes(path), `a cycle: ${[...way.slice(way.indexOf(path)), path].join(' -> ')}`)
    if (done.has(path)) return
    for (const target of byPath.get(path)?.own ?? []) visit(target, [...way, path])
    done.add(path)
  }
  for (const { path } of modules) visit(path, [])
})

test('the folders of the kernel import downward only', () => {
  for (const { path, own } of modules) {
    const layer = layerOf(path)
    const allowed = folders[layer]
    if (allowed === undefined) continue
    for (const target of own) {
      const to = layerOf(target)
      assert.ok(to === layer || allowed.includes(to), `${path} imports ${target}`)
    }
  }
})

test('the files on the path of a stanza import what the layout says and no more', () => {
  for (const { path, own } of modules) {
    const allowed = files[layerOf(path)]
    if (allowed === undefined || path.split('/').length > 2) continue
    for (const target of own) assert.ok(allowed.includes(layerOf(target)), `${path} imports ${target}`)
  }
})

test('the router declares what it needs of those around it', () => {
  const around = [
    'instances.ts',
    'links.ts',
    'link.ts',
    'listener.ts',
    'gateway.ts',
    'watch.ts',
    'log.ts',
    'metrics.ts',
    'drains.ts',
    'redelivery.ts',
    'shares.ts',
    'registry.ts',
    'remote-stream.ts',
  ]
  const { own } = byPath.get('src/router.ts')!
  for (const target of own) {
    assert.ok(!around.includes(layerOf(target)) && !isOfCluster(target), `the router imports ${target}`)
  }
})

test('what stands above is not seen from below', () => {
  for (const { path, own } of modules) {
    for (const target of own) {
      const to = layerOf(target)
      const mayBeSeenBy = above[to]
      if (!tops.includes(to) || mayBeSeenBy === undefined) continue
      assert.ok(mayBeSeenBy.includes(layerOf(path)), `${path} imports ${target}`)
    }
  }
})

test('balancing and xmpp do no I/O, read no clock and no random source of their own, and log nothing', () => {
  const pure = ['node:crypto', 'node:buffer', 'ltx']
  for (const { path, text, foreign } of modules) {
    const layer = layerOf(path)
    if (layer !== 'balancing/' && layer !== 'src/xmpp/') continue
    const allowed = layer === 'balancing/' ? [] : pure
    for (const name of foreign) assert.ok(allowed.includes(name), `${path} imports ${name}`)
    const code = withoutComments(text)
    // A Date of a given moment reads no clock.
    assert.doesNotMatch(
      code,
      /\b(?:Date\.now\b|new Date\(\)|performance\.|Math\.random\b|setTimeout\b|setImmediate\b|setInterval\b|console\b)/,
      path,
    )
  }
})

test('each library is seen by those only that it is for', () => {
  const seers: readonly (readonly [library: RegExp, path: RegExp])[] = [
    [/^@xmpp\/component$/, /^src\/(link[^/]*|commands\/demo-instance)\.ts$/],
    [/^@?fastify(\/|$)/, /^src\/admin\//],
    [/^prom-client$/, /^src\/metrics\.ts$/],
    [/^pino$/, /^src\/log\.ts$/],
    [/^ioredis$/, /^src\/cluster\/redis-[^/]*\.ts$/],
    [/^yaml$/, /^config\//],
    [/^ajv(\/|$)/, /^(config|src\/admin)\//],
    // The names of the config only ask whether one is an address.
    [
      /^node:(net|tls)$/,
      /^(config\/names|src\/(listener[^/]*|introductions|proxy-header|link[^/]*|stream\/(stream|reading)|commands\/[^/]+))\.ts$/,
    ],
  ]
  for (const { path, foreign } of modules) {
    for (const name of foreign) {
      for (const [library, seer] of seers) {
        if (library.test(name)) assert.match(path, seer, `${path} imports ${name}`)
      }
    }
  }
})

test('a node alone loads neither the life of a node in a cluster nor the client of Redis', () => {
  const alone = reached('src/gateway.ts')
  assert.ok(alone.has('src/cluster-seat.ts'))
  for (const path of alone) {
    assert.ok(!/^src\/cluster-(?!seat\.ts|patience\.ts)/.test(path), `${path} is loaded by a node alone`)
    assert.ok(!/^src\/cluster\/redis-/.test(path), `${path} is loaded by a node alone`)
    assert.ok(!byPath.get(path)!.loaded.includes('ioredis'), `${path} has a node alone load ioredis`)
  }
  for (const { path, own } of modules) {
    const isStore = path.startsWith('src/cluster/redis-')
    const sees = own.filter((target) => target.startsWith('src/cluster/redis-'))
    if (isStore || sees.length === 0) continue
    assert.match(path, /^src\/(cluster-seat|commands\/check-cluster)\.ts$/, `${path} imports ${sees}`)
  }
})

test('only main touches the process', () => {
  for (const { path, text, foreign } of modules) {
    if (path === 'src/main.ts') continue
    assert.ok(!foreign.includes('node:process') && !foreign.includes('process'), path)
    assert.doesNotMatch(withoutStrings(withoutComments(text)), /(?<![.\w#])process\s*[.[]/, path)
  }
})

test('no file is above 350 lines', () => {
  for (const { path, text } of modules) assert.ok(text.split('\n').length - 1 <= 350, `${path} is too long`)
})

test('nothing is exported as default, and no file only hands on what others export', () => {
  for (const { path, text } of modules) {
    const code = withoutComments(text)
    assert.doesNotMatch(code, /^\s*export\s+default\b|\bas\s+default\b/m, path)
    assert.doesNotMatch(code, /^\s*export\s+\*/m, path)
    assert.doesNotMatch(path, /(?:^|\/)(?:index|utils?|helpers?)\.ts$/)
    assert.match(code.replace(/^\s*(?:export|import)\b[^;]*?\bfrom\s*'[^']*'$/gm, ''), /\S/, `${path} is a barrel`)
  }
})

test('a test file tests the file of its name', () => {
  const whole = ['architecture', 'docs', 'invariant', 'cluster/simulation']
  const suites = [
    'contracts',
    'packaging',
    'chaos',
    'soak',
    'interop',
    'e2e',
    'fuzz',
    'hostile',
    'limits',
    'bench',
    'page',
    'balancing',
    'config',
    'dashboards',
    'docs',
  ]
  const tests = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .map((name) => name.replaceAll('\\', '/'))
    .filter((name) => name.endsWith('.test.ts') && !suites.includes(name.split('/')[0]!))
  for (const name of tests) {
    const subject = name.replace('.test.ts', '')
    if (whole.includes(subject)) continue
    assert.ok(
      existsSync(join(root, 'src', `${subject}.ts`)),
      `${relative(root, join(dirname(root), name))} tests nothing`,
    )
  }
})

/** Good enough for code of one style: no `//` stands in a string but in a URL. */
function withoutComments(text: string): string {
  return text.replace(/\/\*.*?\*\//gs, '').replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1')
}

function withoutStrings(text: string): string {
  return text.replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
}
