import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from '../src/log.ts'
import { type AdminActions, type Nodes, type NodesAnswer, Operations } from '../src/operations.ts'

const by = { via: 'xmpp', by: 'admin@example.org' } as const

function operations(answer: NodesAnswer | undefined | Error) {
  const asked: string[] = []
  const lines: string[] = []
  const told = async (what: string): Promise<NodesAnswer | undefined> => {
    asked.push(what)
    if (answer instanceof Error) throw answer
    return answer
  }
  const nodes = {
    reload: () => told('reload'),
    drain: (node: string) => told(`drain ${node}`),
    instance: (node: string, action: string, domain: string, name: string) =>
      told(`${action} ${domain} ${name} at ${node}`),
  } as Nodes
  const actions: AdminActions = {
    token: () => undefined,
    instance: (_action, _domain, name) => (name === 'red' ? { done: 'draining' } : { elsewhere: 'yard-2' }),
    clearQuarantine: (domain) => (domain === 'a.test' ? true : undefined),
  }
  const log = createLog({ level: 'info', node: 'yard-1' }, { write: (line: string) => void lines.push(line) })
  const made = new Operations({ actions, nodes: async () => nodes, log })
  return { made, asked, logged: () => lines.map((line) => JSON.parse(line)) }
}

const from = (node: string, answer: { value: unknown } | { error: string }, silent: readonly string[] = []) => ({
  answers: new Map([[node, answer]]),
  silent,
})

test('an instance of this node is acted on here, and one of another node there', async () => {
  const { made, asked, logged } = operations(from('yard-2', { value: { done: 'closed' } }))
  assert.deepEqual(await made.instance(by, 'drain', 'a.test', 'red'), { done: 'draining' })
  assert.deepEqual(asked, [])
  assert.deepEqual(await made.instance(by, 'kick', 'a.test', 'blue'), { done: 'closed' })
  assert.deepEqual(asked, ['kick a.test blue at yard-2'])
  assert.deepEqual(
    logged().map(({ code, action, via, by: who, instance, outcome }) => [code, action, via, who, instance, outcome]),
    [
      ['admin-action', 'drain', 'xmpp', 'admin@example.org', 'red', 'done'],
      ['admin-action', 'kick', 'xmpp', 'admin@example.org', 'blue', 'done'],
    ],
  )
})

test('what the other node refuses is refused, and an answer that is none is a failure', async () => {
  const answers: readonly (readonly [unknown, string])[] = [
    [{ refused: 'conflict', detail: 'it is being drained already' }, 'conflict'],
    [{ refused: 'absent', detail: 'gone' }, 'absent'],
    [{ refused: 'else', detail: 'x' }, 'failed'],
    [null, 'failed'],
    ['done', 'failed'],
  ]
  for (const [value, refused] of answers) {
    const { made } = operations(from('yard-2', { value }))
    const outcome = await made.instance(by, 'drain', 'a.test', 'blue')
    assert.equal('refused' in outcome && outcome.refused, refused, JSON.stringify(value))
  }
})

test('who did not answer, could not, is not there, or cannot be asked: each is told and logged', async () => {
  const cases: readonly (readonly [NodesAnswer | undefined | Error, string, RegExp])[] = [
    [{ answers: new Map(), silent: ['yard-2'] }, 'silent', /no answer in time from yard-2/],
    [from('yard-2', { error: 'a.yaml:3' }, ['yard-3']), 'failed', /yard-2: a\.yaml:3/],
    [undefined, 'absent', /no such node/],
    [new Error('Redis is away'), 'unavailable', /Redis is away/],
  ]
  for (const [answer, refused, detail] of cases) {
    const { made, logged } = operations(answer)
    const outcome = await made.drainNode(by, 'yard-2')
    assert.ok('refused' in outcome)
    assert.equal(outcome.refused, refused)
    assert.match(outcome.detail, detail)
    const [line] = logged()
    assert.deepEqual([line.action, line.name, line.outcome], ['drain-node', 'yard-2', refused])
    assert.match(line.detail, detail)
  }
})

test('what is logged of what somebody wrote cannot forge a line', async () => {
  const { made, logged } = operations(undefined)
  await made.drainNode({ via: 'xmpp', by: 'admin@example.org\u2028' }, 'x\n{"code":"ready"}')
  assert.equal(logged().length, 1)
  assert.equal(logged()[0].name, 'x\\u{a}{"code":"ready"}')
  assert.equal(logged()[0].by, 'admin@example.org\\u{2028}')
})
