import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Shaping } from '../../src/stream/shaping.ts'
import { startNode } from '../e2e/node.ts'
import { StubInstance } from '../stub/instance.ts'

test('a source that sends faster than it may is paused once for a while, and then goes on', async () => {
  const said: string[] = []
  let resumed = () => {}
  const promise = new Promise<void>((resolve) => {
    resumed = resolve
  })
  const source = {
    pause: () => void said.push('pause'),
    resume: () => {
      said.push('resume')
      resumed()
    },
  }
  const shaping = new Shaping(
    source,
    () => ({ rate: 10_000, burst: 100 }),
    () => said.push('counted'),
  )
  shaping.took(100)
  assert.deepEqual(said, [])
  shaping.took(100)
  shaping.took(1)
  assert.deepEqual(said, ['pause', 'counted'])
  await promise
  assert.deepEqual(said, ['pause', 'counted', 'resume'])
})

test('a shaper slows an instance down and loses nothing; a reload takes it away from a stream that is there', async (t) => {
  const yard = (shaper: string) => `
node: yard
listen: [{port: 0}]
domains: {a.test: {secret: swordfish}, b.test: {secret: swordfish${shaper}}}
drain: {seconds: 0}
log: {level: error}
`
  const node = await startNode(t, yard(', shaper: {rate: 64KiB, burst: 1KiB}'))
  const [fast, slow, taker] = [await node.join('b.test'), await node.join('b.test'), await node.join('a.test')]
  assert.ok(fast)
  const message = (id: number) =>
    `<message from='b.test' to='a.test' id='m${id}'><body>${'x'.repeat(400)}</body></message>`
  for (let id = 0; id < 20; id++) slow.send(message(id))
  for (let id = 0; id < 20; id++) assert.match(await taker.stanza(), new RegExp(`id='m${id}'`))
  const paused = async () =>
    Number(/shaper_pauses_total\{domain="b.test"\} (\d+)/.exec(await node.gateway.view.metrics())?.[1])
  assert.ok((await paused()) > 0)
  await node.reload(yard(''))
  const before = await paused()
  for (let id = 20; id < 40; id++) slow.send(message(id))
  for (let id = 20; id < 40; id++) assert.match(await taker.stanza(), new RegExp(`id='m${id}'`))
  assert.equal(await paused(), before)
})

test('white space between stanzas is read, costs nothing but that, and is shaped like all else', async (t) => {
  const node = await startNode(
    t,
    'node: yard\nlisten: [{port: 0}]\ndomains: {a.test: {secret: swordfish}}\ndrain: {seconds: 0}\nlog: {level: error}\n',
  )
  const flooding = await node.join('a.test')
  const piece = Buffer.alloc(1024 * 1024, ' \n\t ')
  for (let count = 0; count < 16; count++) {
    if (!flooding.socket.write(piece)) await new Promise((resolve) => flooding.socket.once('drain', resolve))
  }
  flooding.send("<iq type='get' id='1' from='a.test' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  assert.match(await flooding.stanza(), /id='1'/)
  assert.equal(node.counts('a.test').received, 1)
  // Before the handshake all of it counts (CVE-2026-43506).
  const early = await StubInstance.open(node.port, 'a.test')
  early.send(piece.subarray(0, 9000))
  await early.ended
  assert.match(early.received, /policy-violation/)
})
