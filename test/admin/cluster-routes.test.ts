import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startAdmin } from '../../src/admin/admin.ts'
import type { ClusterAccess } from '../../src/admin/cluster-routes.ts'
import type { AdminView } from '../../src/admin/view.ts'
import { createLog } from '../../src/log.ts'
import type { AdminActions, NodesAnswer } from '../../src/operations.ts'

const consistent = { consistent: true, epoch: 7, nodes: ['yard-1', 'yard-2'], differences: [], silent: [] }
const reloaded: NodesAnswer = {
  answers: new Map([
    ['yard-1', { value: null }],
    ['yard-2', { value: null }],
  ]),
  silent: [],
}

/** An admin port whose token is `token`, what was asked of the nodes, and what was logged. */
async function port(t: TestContext, changes: Partial<ClusterAccess> = {}) {
  const asked: string[] = []
  const lines: string[] = []
  const access: ClusterAccess = {
    consistency: async () => consistent,
    reload: async () => {
      asked.push('reload')
      return reloaded
    },
    drain: async (node) => {
      asked.push(`drain ${node}`)
      return node === 'yard-2' ? { answers: new Map([['yard-2', { value: 'draining' }]]), silent: [] } : undefined
    },
    instance: async (node, action, domain, instance) => {
      asked.push(`${action} ${domain} ${instance} at ${node}`)
      return { answers: new Map([[node, { value: { done: 'draining' } }]]), silent: [] }
    },
    ...changes,
  }
  const log = createLog({ level: 'info', node: 'yard-1' }, { write: (line: string) => void lines.push(line) })
  const allowed = { token: () => 'token' } as Partial<AdminActions> as AdminActions
  const events = { dropped: 0, listen: () => () => {} }
  const listening = { host: '127.0.0.1', port: 0 }
  const admin = await startAdmin(listening, {} as AdminView, allowed, log, { access, events })
  t.after(() => admin.close())
  const ask = async (method: 'GET' | 'POST' | 'HEAD', url: string, authorization = 'Bearer token') => {
    const answer = await fetch(`http://127.0.0.1:${admin.port}${url}`, { method, headers: { authorization } })
    const text = await answer.text()
    return { status: answer.status, type: answer.headers.get('content-type') ?? '', json: text && JSON.parse(text) }
  }
  return { ask, asked, lines }
}

test('the consistency check needs no token and comes out whole', async (t) => {
  const differing = {
    ...consistent,
    consistent: false,
    differences: [
      { kind: 'bucket', text: 'bucket 1 differs', nodes: ['yard-1'], domain: 'a.example', instance: 'red', bucket: 1 },
      { kind: 'epoch', text: 'yard-2 is behind', nodes: ['yard-2'] },
    ],
    silent: ['yard-3'],
  }
  const { ask } = await port(t, { consistency: async () => differing })
  const answer = await ask('GET', '/v1/cluster/consistency', '')
  assert.deepEqual([answer.status, answer.json], [200, differing])
})

test('a check that cannot be made is a problem with status 503 that says why', async (t) => {
  const { ask } = await port(t, { consistency: () => Promise.reject(new Error('Redis cannot be reached')) })
  const answer = await ask('GET', '/v1/cluster/consistency')
  assert.deepEqual([answer.status, answer.json.detail], [503, 'Redis cannot be reached'])
})

test('the check can only be read', async (t) => {
  const { ask } = await port(t)
  assert.equal((await ask('POST', '/v1/cluster/consistency')).status, 405)
  assert.equal((await ask('HEAD', '/v1/cluster/consistency')).status, 200)
  assert.equal((await ask('GET', '/v1/cluster/consistency?a=b')).status, 400)
})

test('a reload tells what each node answered, and is logged', async (t) => {
  const { ask, asked, lines } = await port(t)
  const answer = await ask('POST', '/v1/reload')
  const nodes = [
    { node: 'yard-1', value: null },
    { node: 'yard-2', value: null },
  ]
  assert.deepEqual([answer.status, answer.json], [200, { nodes, silent: [] }])
  assert.deepEqual(asked, ['reload'])
  assert.match(lines.join(''), /"action":"reload"/)
})

test('[RFC 9457 §3.2] a node that refuses makes it a problem, with the answers of all', async (t) => {
  const answers = new Map([
    ['yard-1', { value: null }],
    ['yard-2', { error: 'yard.yaml:1:1 nod: is not a known key' }],
  ])
  const { ask } = await port(t, { reload: async () => ({ answers, silent: ['yard-3'] }) })
  const answer = await ask('POST', '/v1/reload')
  assert.match(answer.type, /^application\/problem\+json/)
  assert.deepEqual(answer.json, {
    type: 'about:blank',
    title: 'Conflict',
    status: 409,
    detail: 'yard-2: yard.yaml:1:1 nod: is not a known key',
    nodes: [
      { node: 'yard-1', value: null },
      { node: 'yard-2', error: 'yard.yaml:1:1 nod: is not a known key' },
    ],
    silent: ['yard-3'],
  })
})

test('a node that does not answer in time makes it a problem that names it', async (t) => {
  const { ask } = await port(t, { reload: async () => ({ ...reloaded, silent: ['yard-3', 'yard-4'] }) })
  const answer = await ask('POST', '/v1/reload')
  assert.deepEqual([answer.status, answer.json.detail], [504, 'no answer in time from yard-3, yard-4'])
  assert.deepEqual(answer.json.silent, ['yard-3', 'yard-4'])
})

test('a node is drained by its name, also another one; one that is not there is not found', async (t) => {
  const { ask, asked } = await port(t)
  const answer = await ask('POST', '/v1/nodes/yard-2/drain')
  assert.deepEqual([answer.status, answer.json], [202, { nodes: [{ node: 'yard-2', value: 'draining' }], silent: [] }])
  assert.equal((await ask('POST', '/v1/nodes/yard-9/drain')).status, 404)
  assert.equal((await ask('POST', `/v1/nodes/${'x'.repeat(65)}/drain`)).status, 400)
  assert.deepEqual(asked, ['drain yard-2', 'drain yard-9'])
})

test('too much at once is a problem with status 503', async (t) => {
  const busy = () => Promise.reject(new Error('16 tasks wait for answers already'))
  const { ask } = await port(t, { reload: busy, drain: busy })
  for (const url of ['/v1/reload', '/v1/nodes/yard-2/drain']) {
    const answer = await ask('POST', url)
    assert.deepEqual([answer.status, answer.json.detail], [503, '16 tasks wait for answers already'])
  }
})

test('[RFC 6750 §3] without the token no node is asked to do anything', async (t) => {
  const { ask, asked } = await port(t)
  for (const url of ['/v1/reload', '/v1/nodes/yard-2/drain']) {
    for (const authorization of ['', 'Bearer wrong']) assert.equal((await ask('POST', url, authorization)).status, 401)
  }
  assert.deepEqual(asked, [])
})
