import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { errorPattern } from '../stub/instance.ts'
import { type Case, goesOn, isError, type Place } from './case.ts'
import { casesAt } from './catalogue/catalogue.ts'
import { bare } from './catalogue/write.ts'
import { type Chunking, chunkings } from './chunkings.ts'
import type { MemorySocket } from './memory-socket.ts'
import { turns, until, Yard } from './yard.ts'

let yard: Yard
before(async () => {
  yard = await Yard.start()
})
after(() => yard.stop())

/** Behind each case: it gets through where the stream goes on, and nowhere else. */
const trailing = bare('', " id='trailing'")
const nothing = Buffer.alloc(0)
const stanzaError = /<(?:message|iq|presence) type='error' [^>]*>.*?<\/(?:message|iq|presence)>/g
const opening = /^<\?xml version='1\.0'\?><stream:stream xmlns='jabber:component:accept' [^>]* id='[0-9a-f]{32}'>/

const peers: readonly (readonly [what: string, place: Place, connect: () => Promise<MemorySocket>])[] = [
  ['from the first byte', 'header', async () => yard.connect()],
  ['before the handshake', 'handshake', () => yard.open()],
  ['from an instance', 'instance', () => yard.join()],
]

for (const [what, place, connect] of peers) {
  for (const one of casesAt(place)) {
    // A stream that is not ended as it should be is not ended at all.
    test(`[${one.source}] ${one.name}, ${what}: ${one.answer}`, { timeout: 10_000 }, async () => {
      const isLast = one.answer === 'waits' || place === 'header'
      const all = chunkings(one.bytes, isLast ? nothing : Buffer.from(trailing))
      if (goesOn(one)) await inTurn(one, all, connect)
      else await atOnce(one, all, place, connect)
    })
  }
}

/** Cases behind which the stream goes on. What is forgiven once needs a new one each time. */
async function inTurn(one: Case, all: readonly Chunking[], connect: () => Promise<MemorySocket>): Promise<void> {
  const passed = passedBy(one) + trailing
  let socket: MemorySocket | undefined
  for (const { name, chunks } of all) {
    if (one.answer !== 'passes') socket?.destroy()
    if (socket === undefined || socket.destroyed) socket = await connect()
    socket.received = ''
    yard.witnessed()
    socket.send(chunks)
    await until(() => yard.seen.length >= passed.length)
    assert.equal(yard.witnessed(), passed, name)
    const errors = socket.received.match(stanzaError) ?? []
    assert.equal(errors.join(''), socket.received, name)
    assert.equal(errors.length > 0, one.answer === 'bad-request', name)
    for (const error of errors) assert.match(error, /<error type='modify'><bad-request /, name)
  }
  socket?.destroy()
}

/** Cases that end the stream, or nothing yet: each on a stream of its own. */
async function atOnce(
  one: Case,
  all: readonly Chunking[],
  place: Place,
  connect: () => Promise<MemorySocket>,
): Promise<void> {
  const sockets = await Promise.all(all.map(connect))
  yard.witnessed()
  for (const [index, { chunks }] of all.entries()) sockets[index]?.send(chunks)
  const passed = passedBy(one).repeat(all.length)
  if (one.answer === 'waits') await turns(place === 'header' ? 8 : 3)
  else await Promise.all(sockets.map((socket) => socket.ended))
  await until(() => yard.seen.length >= passed.length)
  assert.equal(yard.witnessed(), passed)
  for (const [index, { name }] of all.entries()) check(one, place, sockets[index]?.received ?? '', name)
  for (const socket of sockets) socket.destroy()
}

/** What of the case itself gets through. */
function passedBy({ answer, bytes, out }: Case): string {
  return (out ?? (answer === 'passes' ? bytes : '')).toString('utf8')
}

function check(one: Case, place: Place, received: string, cut: string): void {
  if (place === 'header' && received !== '') assert.match(received, opening, cut)
  const said = place === 'header' ? received.replace(opening, '') : received
  if (one.answer === 'closes') return assert.equal(said, '</stream:stream>', cut)
  if (!isError(one)) return assert.equal(said, '', cut)
  const [ending = '', condition] = errorPattern.exec(said) ?? []
  assert.equal(condition, one.answer, `${cut}: ${received}`)
  assert.equal(said.slice(0, -ending.length).replace(stanzaError, ''), '', cut)
}
