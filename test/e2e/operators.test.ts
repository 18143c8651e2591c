import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { StatsView } from '../../src/admin/view.ts'
import { eventually } from '../stub/eventually.ts'
import { type Node, startNode } from './node.ts'

const yard = `
node: yard
listen: [{port: 0}]
admin: {port: 0, token: correct-horse}
domains:
  a.test: {instances: {red: {secret: red}, blue: {secret: blue}}}
  b.test: {secret: s}
domain_balancing: {a.test: {type: bare_source, component_number: 2}}
drain: {seconds: 60}
`

async function act(node: Node, action: string, name: string): Promise<number> {
  const url = `http://127.0.0.1:${node.gateway.adminPort}/v1/domains/a.test/instances/${name}/${action}`
  const answer = await fetch(url, { method: 'POST', headers: { authorization: 'Bearer correct-horse' } })
  await answer.text()
  return answer.status
}

/** The token that a request's own id has been replaced by. */
function idOf(request: string): string {
  return /<iq [^>]*\bid='([^']+)'/.exec(request)?.[1] ?? assert.fail(request)
}

/** Somebody of b.test whose stanzas meet bucket 0. */
function somebody(node: Node): string {
  const jids = Array.from({ length: 100 }, (_, n) => `u${n}@b.test`)
  const found = jids.find((jid) => {
    const explained = node.gateway.view.explain('a.test', jid, 'a.test')
    return explained !== undefined && 'bucket' in explained && explained.bucket === 0
  })
  assert.ok(found)
  return found
}

test('an instance that is being drained is enabled again: it has a bucket and gets stanzas as before', async (t) => {
  const node = await startNode(t, yard)
  const red = await node.join('a.test', 'red')
  const user = await node.join('b.test', 's')
  const from = somebody(node)
  // What it owes an answer to keeps its drain waiting.
  user.send(`<iq type='get' from='${from}' to='a.test' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`)
  const id = idOf(await red.stanza())
  assert.equal(await act(node, 'drain', 'red'), 202)
  assert.equal(await act(node, 'drain', 'red'), 409)
  await eventually(() => node.gateway.view.domain('a.test')?.buckets[0]?.holder === null)
  assert.equal(await act(node, 'enable', 'red'), 202)
  const { members, buckets } = node.gateway.view.domain('a.test')!
  assert.deepEqual([members.map(({ name, state }) => [name, state]), buckets[0]?.holder], [[['red', 'active']], 'red'])
  user.send(`<message from='${from}' to='a.test' id='2'/>`)
  assert.match(await red.stanza(), /id='2'/)
  red.send(`<iq type='result' from='a.test' to='${from}' id='${id}'/>`)
  assert.match(await user.stanza(), /type='result'/)
  assert.equal(await act(node, 'enable', 'red'), 409)
})

test('an instance is closed at once, and what it had not confirmed goes to the one that takes its bucket', async (t) => {
  const node = await startNode(t, yard)
  const red = await node.join('a.test', 'red')
  const user = await node.join('b.test', 's')
  const from = somebody(node)
  red.answersPings = false
  for (let n = 0; n < 8; n++) user.send(`<message from='${from}' to='a.test' id='m${n}'/>`)
  for (let n = 0; n < 8; n++) await red.stanza()
  assert.equal(await act(node, 'kick', 'red'), 202)
  await node.log('instance-left')
  assert.match(red.received, /<reset /)
  assert.equal(await act(node, 'kick', 'red'), 404)
  const again = await node.join('a.test', 'red')
  const ids = []
  for (let n = 0; n < 8; n++) ids.push(/id='(m\d)'/.exec(await again.stanza())?.[1])
  assert.deepEqual(ids, ['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7'])
  assert.deepEqual(node.gateway.view.domain('a.test')?.quarantine, [])
})

test('whoever listens is told every second what has been counted', async (t) => {
  const node = await startNode(t, yard)
  const red = await node.join('a.test', 'red')
  const user = await node.join('b.test', 's')
  const from = somebody(node)
  user.send(`<iq type='get' from='${from}' to='a.test' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`)
  const id = idOf(await red.stanza())
  red.send(`<iq type='result' from='a.test' to='${from}' id='${id}'/>`)
  await user.stanza()
  const socket = connect(node.gateway.adminPort!, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.setEncoding('utf8').write('GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n')
  let text = ''
  while (!/event: stats\ndata: .*\n\n/.test(text)) text += ((await once(socket, 'data')) as [string])[0]
  const stats = JSON.parse(/event: stats\ndata: (.*)\n/.exec(text)![1]!) as StatsView
  assert.deepEqual([stats.node, stats.omitted, Object.keys(stats.domains)], ['yard', 0, ['a.test', 'b.test']])
  const { received, unassigned, instances, answers } = stats.domains['a.test']!
  assert.deepEqual([received, unassigned, instances.red?.state], [1, 1, 'active'])
  assert.deepEqual([answers?.count, instances.red?.answers?.count], [1, 1])
  assert.ok(stats.load >= 0 && stats.load <= 1)
})
