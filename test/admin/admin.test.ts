import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createAdmin, startAdmin } from '../../src/admin/admin.ts'
import { countersView } from '../../src/admin/counters-view.ts'
import type {
  AdminView,
  DomainDetailView,
  DomainView,
  ExplainView,
  InstanceView,
  NodeView,
  OverviewView,
} from '../../src/admin/view.ts'
import { DomainCounters } from '../../src/counters.ts'
import { SwitchyardError } from '../../src/errors.ts'
import { createLog } from '../../src/log.ts'
import type { AdminActions } from '../../src/operations.ts'

const since = '2026-01-02T03:04:05.000Z'

function echo(): DomainView {
  const counters = new DomainCounters()
  counters.receivedFromLink = 4
  counters.bounced('recipient-unavailable', 'unassigned')
  counters.dropped('loop')
  return {
    name: 'echo.localhost',
    balancing: { type: 'bare_source', component_number: 2, hash: 'murmur3' },
    canary: { instance: 'yard-1/1', percent: 2.5 },
    balanceFactor: 150,
    hotKeys: 2,
    slowStartSeconds: 0.5,
    whenUnassigned: 'hold',
    delivery: 'at_least_once',
    instances: { live: 1 },
    buckets: [
      { bucket: 0, holder: 'yard-1/1', last: 'yard-1/1', heir: 'yard-1/3', held: { stanzas: 0, bytes: 0 } },
      { bucket: 1, holder: null, last: null, heir: null, held: { stanzas: 1, bytes: 300 } },
    ],
    spares: ['yard-1/3'],
    held: { stanzas: 1, bytes: 300 },
    hold: { stanzas: 1, bytes: 300, oldest: since, limitBytes: 1000, limitSeconds: 10 },
    window: { stanzas: 2, bytes: 600 },
    link: {
      ...{ state: 'up', service: 'xmpp://127.0.0.1:5275', since },
      ...{ links: 'one', waiting: { stanzas: 0, bytes: 0 }, reason: null },
    },
    quarantined: 1,
    rates: { received: 1.5, delivered: 1, forwarded: 0, bounced: 0.5, dropped: 0 },
    answers: { count: 2, p50: 0.001, p95: 0.002, p99: 0.002 },
    counters: countersView(counters, 1),
  }
}

const instance: InstanceView = {
  name: 'yard-1/1',
  state: 'live',
  node: 'yard-1',
  bucket: 0,
  spare: false,
  weight: 0.1,
  remote: '127.0.0.1:40000',
  connectedSince: since,
  delivered: 1,
  deliveredPerSecond: 0.1,
  outboxBytes: 0,
  window: { stanzas: 1, bytes: 300 },
  owingSeconds: null,
  confirmSeconds: 0.02,
  unanswered: 0,
  answers: null,
}

const node: NodeView = {
  ...{
    name: 'yard-1',
    incarnation: 'a1b2',
    version: '0.1.0',
    senior: true,
    state: 'ready',
    since,
    instances: 1,
    self: true,
    load: 0.25,
    memory: 50_000_000,
  },
}

const quarantined = { since, kind: 'message', type: null, bytes: 24 }
const poison = { ...quarantined, from: null, to: null, id: 'poison', stanza: "<message id='poison'/>" }
const detail = (): DomainDetailView => ({ ...echo(), members: [instance], quarantine: [quarantined] })

const route: ExplainView = {
  criterion: 'bare_source',
  key: 'romeo@example.org',
  bucket: 0,
  outcome: 'deliver',
  instance: 'yard-1/1',
  node: 'yard-1',
  because: 'yard-1/1 holds bucket 0',
  digest: '0123456789abcdef',
}

const overview: OverviewView = {
  time: '2026-01-02T03:04:05.000Z',
  cluster: { up: true, held: true },
  domains: [
    {
      name: 'echo.localhost',
      type: 'bare_source',
      whenUnassigned: 'hold',
      instances: { active: 1 },
      instancesElsewhere: 1,
      buckets: 3,
      bucketsUnassigned: 1,
      unassigned: [{ bucket: 1, last: 'green', held: { stanzas: 2, bytes: 300 } }],
      spares: 0,
      missing: ['green'],
      hold: { stanzas: 2, bytes: 300, limitSeconds: 5 },
      held: { stanzas: 5, bytes: 500 },
      link: 'online',
      received: 12,
      quarantined: 1,
      slowest: { instance: 'yard-1/1', seconds: 0.5, others: null },
    },
  ],
}

function view(changes: Partial<AdminView> = {}): AdminView {
  const here = (name: string) => name === 'echo.localhost'
  return {
    ready: () => ({ ready: true }),
    nodes: () => [node],
    domains: () => [echo(), { ...echo(), name: 'bare.localhost', balancing: null, link: null }],
    domain: (name) => (here(name) ? detail() : undefined),
    overview: () => overview,
    instances: (name) => (here(name) ? [instance] : undefined),
    explain: (name, from) => (here(name) ? (from === '@' ? { problem: 'from is no address' } : route) : undefined),
    quarantine: (name) => (here(name) ? [poison] : undefined),
    version: '1.2.3',
    stats: () => ({
      ...{ time: since, node: 'yard-1', load: 0, memory: null, routing: null, delay: null, domains: {}, omitted: 0 },
    }),
    metrics: async () => 'switchyard_cluster_up 1\n',
    ...changes,
  }
}

const token = 'correct-horse'

const allowed: AdminActions = {
  token: () => token,
  instance: () => ({ refused: 'absent', detail: 'no such instance is connected' }),
  clearQuarantine: (domain) => (domain === 'echo.localhost' ? true : undefined),
}

function capture() {
  const lines: string[] = []
  const log = createLog({ level: 'info', node: 'yard-1' }, { write: (line: string) => void lines.push(line) })
  return { log, lines }
}

async function app(t: TestContext, changes: Partial<AdminView> = {}, may: AdminActions = allowed) {
  const { log, lines } = capture()
  const made = await createAdmin(view(changes), may, log)
  t.after(() => made.close())
  return { get: (url: string) => made.inject({ method: 'GET', url }), inject: made.inject.bind(made), lines }
}

function assertProblem(
  answer: { statusCode: number; headers: object; json(): unknown },
  status: number,
  detail: RegExp,
) {
  assert.equal(answer.statusCode, status)
  assert.match(
    String(Object.entries(answer.headers).find(([name]) => name === 'content-type')?.[1]),
    /^application\/problem\+json/,
  )
  const problem = answer.json() as { type: string; status: number; title: string; detail: string }
  assert.deepEqual([problem.type, problem.status], ['about:blank', status])
  assert.match(problem.detail, detail)
}

test('a node that runs is healthy, and ready unless it says why not', async (t) => {
  const running = await app(t)
  assert.deepEqual((await running.get('/healthz')).json(), { status: 'ok' })
  assert.deepEqual((await running.get('/readyz')).json(), { status: 'ready' })
  const draining = await app(t, { ready: () => ({ ready: false, reason: 'draining' }) })
  assert.equal((await draining.get('/healthz')).statusCode, 200)
  assertProblem(await draining.get('/readyz'), 503, /^draining$/)
})

test("metrics come in Prometheus' text format", async (t) => {
  const answer = await (await app(t)).get('/metrics')
  assert.equal(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(answer.body, 'switchyard_cluster_up 1\n')
})

test('what the view shows comes out whole: no field is lost or changed by the response schemas', async (t) => {
  const { get } = await app(t)
  assert.deepEqual((await get('/v1/nodes')).json(), { items: [node] })
  assert.deepEqual((await get('/v1/overview')).json(), overview)
  assert.deepEqual((await get('/v1/domains')).json(), { items: view().domains() })
  assert.deepEqual((await get('/v1/domains/echo.localhost')).json(), detail())
  assert.deepEqual((await get('/v1/domains/echo.localhost/instances')).json(), { items: [instance] })
  const explained = await get('/v1/domains/echo.localhost/explain?from=romeo@example.org/a%2Fb&to=echo.localhost')
  assert.deepEqual(explained.json(), route)
})

test('the addresses to explain arrive decoded', async (t) => {
  const asked: string[][] = []
  const explain: AdminView['explain'] = (...args) => {
    asked.push(args)
    return route
  }
  const { get } = await app(t, { explain })
  await get('/v1/domains/echo.localhost/explain?from=%D0%B6%40example.org%2Fa%2Bb&to=echo.localhost')
  assert.deepEqual(asked, [['echo.localhost', 'ж@example.org/a+b', 'echo.localhost']])
})

test('[RFC 9457 §3] a domain that is not served, and a path that is not there, are problems with status 404', async (t) => {
  const { get } = await app(t)
  assertProblem(await get('/v1/domains/other.localhost'), 404, /no such domain/)
  assertProblem(await get('/v1/domains/other.localhost/instances'), 404, /no such domain/)
  assertProblem(await get('/v1/domains/other.localhost/explain?from=a&to=b'), 404, /no such domain/)
  assertProblem(await get('/v1/other'), 404, /no such path/)
})

test('parameters that are missing, unknown, given twice, too long or no addresses are problems with status 400', async (t) => {
  const { get } = await app(t)
  const explain = '/v1/domains/echo.localhost/explain'
  assertProblem(await get(explain), 400, /from/)
  assertProblem(await get(`${explain}?from=a`), 400, /to/)
  assertProblem(await get(`${explain}?from=&to=b`), 400, /from/)
  assertProblem(await get(`${explain}?from=a&from=b&to=c`), 400, /from/)
  assertProblem(await get(`${explain}?from=a&to=b&too=c`), 400, /additional/)
  assertProblem(await get(`${explain}?from=${'a'.repeat(3072)}&to=b`), 400, /from/)
  assertProblem(await get(`${explain}?from=@&to=b`), 400, /from is no address/)
  assertProblem(await get('/v1/nodes?all=1'), 400, /additional/)
  assertProblem(await get('/v1/domains/%zz'), 400, /./)
  assert.equal((await get(`/v1/domains/${'a'.repeat(1023)}`)).statusCode, 404)
})

test('[RFC 9110 §15.5.6] what would change a path is refused with the methods that are allowed, and its body is not read', async (t) => {
  const { inject } = await app(t)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
    const answer = await inject({ method, url: '/v1/domains/echo.localhost', payload: 'x'.repeat(5000) })
    assertProblem(answer, 405, /only be read/)
    assert.equal(answer.headers.allow, 'GET, HEAD')
  }
  assertProblem(await inject({ method: 'POST', url: '/other' }), 404, /no such path/)
})

test('[RFC 9110 §9.3.2] HEAD answers as GET does, without a body', async (t) => {
  const { inject } = await app(t)
  const answer = await inject({ method: 'HEAD', url: '/v1/domains' })
  assert.deepEqual([answer.statusCode, answer.body], [200, ''])
  assert.equal((await inject({ method: 'HEAD', url: '/v1/domains/other.localhost' })).statusCode, 404)
})

test('a fault of ours is logged in full, and its text is not shown', async (t) => {
  const broken = (): never => {
    throw new Error('inner detail')
  }
  const { get, lines } = await app(t, { nodes: broken })
  const answer = await get('/v1/nodes')
  assert.deepEqual(
    [answer.statusCode, answer.json()],
    [500, { type: 'about:blank', title: 'Internal Server Error', status: 500 }],
  )
  assert.equal(lines.length, 1)
  assert.equal(JSON.parse(lines[0]!).code, 'bug')
  assert.equal(JSON.parse(lines[0]!).err.message, 'inner detail')
})

test('over a socket the answers carry the headers that keep browsers from using them, and close ends an idle connection', async (t) => {
  const { log, lines } = capture()
  const admin = await startAdmin({ host: '127.0.0.1', port: 0 }, view(), allowed, log)
  t.after(() => admin.close())
  assert.deepEqual(
    lines.map((line) => [JSON.parse(line).code, JSON.parse(line).port]),
    [['admin-listening', admin.port]],
  )
  const socket = connect(admin.port, '127.0.0.1')
  socket.setEncoding('utf8')
  socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n')
  const [answer] = (await once(socket, 'data')) as [string]
  assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/)
  assert.match(answer, /\r\ncontent-security-policy: default-src 'none';frame-ancestors 'none'\r\n/i)
  assert.match(answer, /\r\nx-content-type-options: nosniff\r\n/i)
  assert.match(answer, /\r\ncache-control: no-store\r\n/i)
  assert.doesNotMatch(answer, /strict-transport-security|x-powered-by/i)
  // Kept alive by both sides until the port is closed.
  const closed = once(socket, 'close')
  await Promise.all([admin.close(), closed])
})

test('a port that is taken is an error with exit code 1', async (t) => {
  const { log } = capture()
  const first = await startAdmin({ host: '127.0.0.1', port: 0 }, view(), allowed, log)
  t.after(() => first.close())
  await assert.rejects(startAdmin({ host: '127.0.0.1', port: first.port }, view(), allowed, log), (error) => {
    assert.ok(error instanceof SwitchyardError)
    assert.deepEqual([error.code, error.exitCode], ['listen-failed', 1])
    return true
  })
})
