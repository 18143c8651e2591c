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
const stanzaError = /<(?:message|iq|presence) type='error' [^>]*>.*?<\/(?:message|iq|presence)>/g
const opening = /^<\?xml version='1\.0'\?><stream:stream xmlns='jabber:component:accept' [^>]* id='[0-9a-f]{32}'>/

const peers: readonly (readonly [what: string, place: Place, connect: () => Promise<MemorySocket>])[] = [
  ['from the first byte', 'header', async () => yard.connect()],
  ['before the handshake', 'handshake', () => yard.open()],
  ['from an instance', 'instance', () => yard.join()],
]

for (const [what, place, connect] of peers) {
  for (const one of casesAt(place)) {
    const attempt = async ({ name, chunks }: Chunking): Promise<void> => {
      const socket = await connect()
      yard.witnessed()
      socket.send(chunks)
      await settled(one, place, socket)
      check(one, place, socket, name)
      socket.destroy()
    }
    test(`[${one.source}] ${one.name}, ${what}: ${one.answer}`, async () => {
      const isLast = one.answer === 'waits' || place === 'header'
      const all = chunkings(isLast ? one.bytes : Buffer.concat([one.bytes, Buffer.from(trailing)]))
      // An orderly end takes its time, in which nothing reaches the witness.
      if (one.answer === 'closes') await Promise.all(all.map(attempt))
      else for (const chunking of all) await attempt(chunking)
    })
  }
}

async function settled(one: Case, place: Place, socket: MemorySocket): Promise<void> {
  if (one.answer === 'waits') await turns(place === 'header' ? 8 : 3)
  else if (goesOn(one)) await until(() => yard.seen.endsWith(trailing))
  else {
    if (!socket.writableFinished) await new Promise((resolve) => socket.once('finish', resolve))
    await until(() => yard.seen.length >= passedBy(one).length)
  }
}

/** What of the case itself gets through. */
function passedBy({ answer, bytes, out }: Case): string {
  return (out ?? (answer === 'passes' ? bytes : '')).toString('utf8')
}

function check(one: Case, place: Place, socket: MemorySocket, cut: string): void {
  const { received } = socket
  const passed = passedBy(one)
  assert.equal(yard.witnessed(), goesOn(one) ? passed + trailing : passed, `witnessed, ${cut}`)
  const said = place === 'header' ? received.replace(opening, '') : received
  if (place === 'header' && received !== '') assert.match(received, opening, cut)
  if (isError(one)) {
    const [ending = ''] = errorPattern.exec(said) ?? []
    assert.equal(errorPattern.exec(said)?.[1], one.answer, `${cut}: ${received}`)
    const before = said.slice(0, -ending.length).replace(stanzaError, '')
    assert.equal(before, '', cut)
  } else if (one.answer === 'closes') assert.equal(said, '</stream:stream>', cut)
  else if (one.answer === 'bad-request') {
    const errors = said.match(stanzaError) ?? []
    assert.equal(errors.join(''), said, cut)
    assert.ok(errors.length > 0 && errors.every((error) => error.includes("<error type='modify'><bad-request ")), said)
  } else assert.equal(said, '', cut)
}
