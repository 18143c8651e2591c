/**
 * The parts that every stanza passes, each beside its obvious alternative: `node --import tsx test/bench/parts.ts`
 * prints nanoseconds per operation, the best of five rounds.
 */
import * as library from '@xmpp/component'
import { parse } from 'ltx'
import murmurhash from 'murmurhash'
import { bucketOf } from '../../balancing/buckets.ts'
import { murmur3 } from '../../balancing/hash.ts'
import { Rendezvous } from '../../balancing/rendezvous.ts'
import { loadExpress } from '../../src/scanning.ts'
import { Flusher } from '../../src/stream/flusher.ts'
import { Outbox } from '../../src/stream/outbox.ts'
import { Found, Framer } from '../../src/xmpp/framer.ts'
import type { Head } from '../../src/xmpp/head.ts'
import { bareEnd, isPlain } from '../../src/xmpp/jid.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'
import { message } from './load/blocks.ts'

const ROUNDS = 5
const MANY = 1_000_000
const FEW = 100_000
const RANGES = 1024
const JID_BYTES = 40

const jids = Array.from({ length: RANGES }, (_, user) => `user${user}@example.org/`.padEnd(JID_BYTES, 'resource'))
const buffer = Buffer.from(jids.join(''))
const text = (turn: number) => jids[turn % RANGES] ?? ''
const start = (turn: number) => (turn % RANGES) * JID_BYTES

/** The library's own types are none; ours know only what the links use. */
const { jid: parseJid } = library as unknown as { jid: (text: string) => { bare: () => { toString: () => string } } }

function measure(name: string, times: number, operation: (turn: number) => number): void {
  let best = Number.POSITIVE_INFINITY
  let sum = 0
  for (let round = 0; round < ROUNDS; round++) {
    const began = process.hrtime.bigint()
    for (let turn = 0; turn < times; turn++) sum = (sum + operation(turn)) | 0
    best = Math.min(best, Number(process.hrtime.bigint() - began) / times)
  }
  // The sum is printed so that no compiler can leave the work out.
  console.log(`${name.padEnd(48)} ${best.toFixed(1).padStart(9)} ns/op  (${sum})`)
}

const limits = { stanza_bytes: 1 << 20, depth: 128, elements: 10_000, attributes: 128, namespaces: 64 }
const framer = new Framer(new Scanners(limits, loadExpress(limits.stanza_bytes)))
const header = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>"
const stanza = message('user1@load.localhost/resource', 'echo.localhost', 317)
const bytes = Buffer.from(stanza)

function headOf(text: Buffer): Head {
  framer.push(text)
  for (let found = framer.next(); found !== Found.stanza; found = framer.next()) {
    if (found === Found.nothing || found === Found.error) throw new Error('the stanza is none')
  }
  return framer.head
}

headOf(Buffer.from(header + stanza))
measure('head: frame 317 bytes, from and to as ranges', FEW, () => {
  const { fromStart, fromEnd, toStart, toEnd } = headOf(bytes)
  return fromEnd - fromStart + toEnd - toStart
})
measure('  ltx: parse them, from and to as text', FEW / 10, () => {
  const { from, to } = parse(stanza).attrs
  return `${from}${to}`.length
})

measure('JID: bare part of 40 bytes, seen to be normal', MANY, (turn) => {
  const end = bareEnd(buffer, start(turn), start(turn) + JID_BYTES)
  return isPlain(buffer, start(turn), end) ? end : -1
})
measure('  @xmpp/jid: parse, bare, to text', FEW, (turn) => parseJid(text(turn)).bare().toString().length)

measure('hash: murmur3 of 40 bytes', MANY, (turn) => murmur3(buffer, start(turn), start(turn) + JID_BYTES))
measure('  murmurhash of the same as a string', FEW, (turn) => murmurhash.v3(text(turn)))
measure('  murmurhash of the same as a Uint8Array', FEW, (turn) =>
  murmurhash.v3(buffer.subarray(start(turn), start(turn) + JID_BYTES)),
)

for (const count of [10, 1000]) {
  const names = Array.from({ length: count }, (_, index) => `node/${index}`)
  const rendezvous = Rendezvous.of(names)
  measure(`pick: rendezvous among ${count}, by hash`, MANY, (turn) =>
    rendezvous.pick(Math.imul(turn, 0x9e3779b1) >>> 0),
  )
  measure(`  a score for each of ${count}, the best wins`, Math.ceil(FEW / count), (turn) => {
    let [best, winner] = [-1, 0]
    for (let index = 0; index < count; index++) {
      const score = Math.imul(turn ^ Math.imul(index, 0x9e3779b1), 0x85ebca6b) >>> 0
      if (score > best) [best, winner] = [score, index]
    }
    return winner
  })
}
measure('pick: bucket of 1000, by hash', MANY, (turn) => bucketOf(Math.imul(turn, 0x9e3779b1) >>> 0, 1000))

/** Takes all that it is written at once. */
const sink = {
  writableLength: 0,
  cork: () => {},
  uncork: () => {},
  write: (bytes: Uint8Array, written: () => void) => {
    written()
    return bytes.length > 0
  },
}
const outbox = new Outbox(new Flusher(), 1 << 20, 1 << 20)
outbox.attach(sink)
measure('outbox: append 317 bytes, flush each 200', MANY, (turn) => {
  outbox.append(bytes, 0, bytes.length)
  if (turn % 200 === 199) outbox.flush()
  return 1
})
let parts: Buffer[] = []
measure('  copies in a list, Buffer.concat each 200', MANY, (turn) => {
  parts.push(Buffer.from(bytes))
  if (turn % 200 !== 199) return 1
  const all = Buffer.concat(parts)
  parts = []
  return all.length
})
// The outboxes' flusher has nothing more to do, and must keep nobody waiting.
process.exit(0)
