import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { StubInstance } from '../stub/instance.ts'
import { startNode } from './node.ts'

// A small slice of test/limits/loris.ts, with counts and without times.

const yard = `
node: yard
listen: [{port: 0}]
domains: {a.test: {secret: swordfish}, b.test: {secret: swordfish}}
limits: {unauthenticated: 60, unauthenticated_per_address: 10, handshake_seconds: 2}
drain: {seconds: 0}
log: {level: error}
`
const HANGING = 80
const REFUSED = 200
const STANZAS = 500

const opening = `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='a.test'>`

/** Resolves with what came until it was closed. */
function ended(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  // One that is closed at once may see it as a reset.
  socket.on('error', () => {})
  return new Promise((resolve) => socket.on('close', () => resolve(text)))
}

test('hanging connections and refused handshakes cost those who are in nothing, each is counted, and all make room again', async (t) => {
  const node = await startNode(t, yard)
  const [sender, taker] = [await node.join('a.test'), await node.join('b.test')]
  const from = (address: number): Socket =>
    connect({ port: node.port, host: '127.0.0.1', localAddress: `127.0.0.${address}` })
  // Ten of an address may hang, and sixty in all; who is too many is closed at once.
  const hanging: Promise<string>[] = []
  for (let at = 0; at < HANGING; at++) {
    const socket = from(2 + Math.floor(at / 10))
    hanging.push(ended(socket))
    await once(socket, 'connect')
    if (at % 2 === 1) socket.write('<')
  }
  for (let id = 0; id < STANZAS; id++) sender.send(`<message from='a.test' to='u@b.test' id='m${id}'/>`)
  for (let id = 0; id < STANZAS; id++) assert.match(await taker.stanza(), new RegExp(`id='m${id}'`))
  const said = await Promise.all(hanging)
  const timedOut = said.filter((text) => text.includes('<connection-timeout ')).length
  const refusals = [...(await node.gateway.view.metrics()).matchAll(/refused_total\{reason="(\w+)"\} ([1-9]\d*)/g)]
  assert.equal(timedOut, 60)
  assert.deepEqual(
    refusals.map(([, reason, count]) => [reason, Number(count)]),
    [['limit', HANGING - 60]],
  )
  for (let at = 0; at < REFUSED; at++) {
    const socket = from(100 + (at % 100))
    const answer = ended(socket)
    socket.end(`${opening}<handshake>0123</handshake>`)
    assert.match(await answer, /<not-authorized /)
  }
  const text = await node.gateway.view.metrics()
  assert.match(text, new RegExp(`stream_errors_total\\{condition="not-authorized"\\} ${REFUSED}$`, 'm'))
  assert.match(text, /stream_errors_total\{condition="connection-timeout"\} 60$/m)
  await (await StubInstance.join(node.port, 'a.test')).leave()
  const { received, held } = node.counts('b.test')
  assert.deepEqual([node.counts('a.test').received + received, held], [STANZAS, 0])
})

test('[RFC 6120 §4.9.3.6] a name that is not served is refused as such, whatever comes with its header', async (t) => {
  // At once, and not when the time for the handshake is over.
  const node = await startNode(t, yard.replace('handshake_seconds: 2', 'handshake_seconds: 300'))
  for (const more of [
    '',
    '<handshake/>',
    `<handshake>${'0'.repeat(40)}</handshake>`,
    '<message/>',
    '</stream:stream>',
  ]) {
    const stub = await StubInstance.connect(node.port)
    stub.send(opening.replace('a.test', 'c.test') + more)
    assert.equal(await stub.error(), 'host-unknown', more)
    assert.doesNotMatch(stub.received, / from=/)
    stub.socket.destroy()
  }
})
