import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StubServer } from '../stub/server.ts'
import { startNode } from './node.ts'

const message = (to: string, id: string) => `<message from='juliet@b.test' to='${to}' id='${id}'/>`

test('a server reaches the domains that have their link there, by any of these, and no others', async (t) => {
  const [server, stranger] = [await StubServer.listen(), await StubServer.listen()]
  t.after(() => Promise.all([server.close(), stranger.close()]))
  const upstream = ({ port }: StubServer) => `{service: "xmpp://127.0.0.1:${port}", secret: s3cret}`
  const node = await startNode(
    t,
    `
node: yard
listen: [{port: 0}]
domains:
  one.test: {secret: swordfish, upstream: ${upstream(server)}}
  two.test: {secret: swordfish, upstream: ${upstream(server)}}
  other.test: {secret: swordfish, upstream: ${upstream(stranger)}}
  inner.test: {secret: swordfish}
drain: {seconds: 0}
`,
  )
  const one = await node.join('one.test')
  const link = await server.connection()
  await link.admit()
  const [two, other, inner] = [
    await node.join('two.test'),
    await node.join('other.test'),
    await node.join('inner.test'),
  ]
  link.send(
    message('two.test', '1') + message('other.test', '2') + message('inner.test', '3') + message('one.test', '4'),
  )
  assert.equal(await two.stanza(), message('two.test', '1'))
  assert.equal(await one.stanza(), message('one.test', '4'))
  const refusal = (id: string) =>
    new RegExp(`<message [^>]*id='${id}'[^>]*><error type='cancel'><not-allowed .*?</message>`)
  await link.until(refusal('2'))
  await link.until(refusal('3'))
  // Nothing else came to these: what an instance says reaches them as ever.
  one.send("<message from='one.test' to='other.test' id='5'/><message from='one.test' to='inner.test' id='6'/>")
  assert.match((await other.stanza()) ?? '', /id='5'/)
  assert.match((await inner.stanza()) ?? '', /id='6'/)
  assert.equal(node.counts('one.test').bounced, 2)
})
