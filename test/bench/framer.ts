/**
 * How fast the framer is, beside other parsers: `node --import tsx test/bench/framer.ts`. Each line is the best of several
 * rounds over the same bytes, cut into chunks of 64 KiB.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Parser } from 'ltx'
import { SaxesParser } from 'saxes'
import { loadExpress } from '../../src/scanning.ts'
import { Found, Framer } from '../../src/xmpp/framer.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'

const CHUNK = 64 * 1024
const ROUNDS = 7
const limits = { stanza_bytes: 512 * 1024, depth: 128, elements: 10_000, attributes: 128, namespaces: 64 }
const header = "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>"

const addresses = "from='juliet@capulet.example/balcony' to='room7@echo.example.org' id='5f2c9a1e-4b7d'"
const marker = "<markable xmlns='urn:xmpp:chat-markers:0'/>"
const chat = (body: string) => `<message ${addresses} type='chat'><body>${body}</body>${marker}</message>`
const children = Array.from({ length: 40 }, (_, i) => `<item jid='user${i}@example.org' name='n${i}'/>`).join('')

const loads: Record<string, string> = {
  'chat, 300 bytes': chat(
    'Wherefore art thou, Romeo? Deny thy father and refuse thy name; or if thou wilt not, be but sworn. '.padEnd(
      113,
      'x',
    ),
  ),
  'body of 2 kB': chat(
    'Wherefore art thou, Romeo? Deny thy father & refuse thy name. '.replace('&', '&amp;').repeat(30),
  ),
  'body of 100 kB': chat('Wherefore art thou, Romeo? Deny thy father and refuse thy name. '.repeat(1600)),
  '40 small elements': `<iq ${addresses} type='result'><query xmlns='http://jabber.org/protocol/disco#items'>${children}</query></iq>`,
  'Cyrillic, 300 bytes': chat('Что значит имя? Роза пахнет розой, хоть розой назови её, хоть нет.'),
  'rewritten (CDATA)': chat('<![CDATA[Wherefore art thou, Romeo?]]>'),
}

/** Best time of one pass over the chunks, in nanoseconds. */
function best(pass: (chunks: readonly Buffer[]) => void, chunks: readonly Buffer[]): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint()
    pass(chunks)
    least = Math.min(least, Number(process.hrtime.bigint() - start))
  }
  return least
}

const plain = new Scanners(limits)
const both = new Scanners(limits, loadExpress(limits.stanza_bytes))

function frame(chunks: readonly Buffer[], scanners = both): void {
  const framer = new Framer(scanners)
  for (const chunk of chunks) {
    framer.push(chunk)
    let found: Found
    do found = framer.next()
    while (found !== Found.nothing && found !== Found.error)
  }
  if (framer.error !== undefined) throw new Error(framer.error.text)
}

/** Without the express scanner. */
function frameByPlain(chunks: readonly Buffer[]): void {
  frame(chunks, plain)
}

function ltx(chunks: readonly Buffer[]): void {
  const parser = new Parser()
  for (const chunk of chunks) parser.write(chunk.toString('utf8'))
}

function saxes(chunks: readonly Buffer[]): void {
  const parser = new SaxesParser({ xmlns: true })
  for (const chunk of chunks) parser.write(chunk.toString('utf8'))
}

function chunksOf(stanza: string): {
  readonly chunks: readonly Buffer[]
  readonly stanzas: number
  readonly bytes: number
} {
  const stanzas = Math.ceil((8 << 20) / Buffer.byteLength(stanza))
  const all = Buffer.from(header + stanza.repeat(stanzas))
  const chunks: Buffer[] = []
  for (let at = 0; at < all.length; at += CHUNK) chunks.push(all.subarray(at, at + CHUNK))
  return { chunks, stanzas, bytes: all.length }
}

const only = process.argv[2]
for (const [name, pass] of Object.entries({ framer: frame, plain: frameByPlain, ltx, saxes })) {
  if (only !== undefined && only !== name) continue
  for (const [load, stanza] of Object.entries(loads)) {
    const { chunks, stanzas, bytes } = chunksOf(stanza)
    const time = best(pass, name === 'framer' || name === 'plain' ? chunks : chunks.slice(0, 16))
    const share = name === 'framer' || name === 'plain' ? 1 : Math.min(1, (16 * CHUNK) / bytes)
    const perStanza = time / (stanzas * share)
    const speed = (bytes * share * 1000) / time
    console.log(
      `${name.padEnd(8)}${load.padEnd(22)}${perStanza.toFixed(0).padStart(9)} ns/stanza${speed.toFixed(0).padStart(7)} MB/s`,
    )
  }
}

if (only === undefined || only === 'expat') {
  const script = fileURLToPath(new URL('expat.py', import.meta.url))
  for (const [load, stanza] of Object.entries(loads)) {
    const { chunks, stanzas, bytes } = chunksOf(stanza)
    const { status, stdout } = spawnSync('/usr/bin/python3', [script], { input: Buffer.concat(chunks) })
    if (status !== 0) break
    const time = Number(stdout.toString()) * 1e9
    const perStanza = (time / stanzas).toFixed(0).padStart(9)
    console.log(
      `${'expat'.padEnd(8)}${load.padEnd(22)}${perStanza} ns/stanza${((bytes * 1000) / time).toFixed(0).padStart(7)} MB/s`,
    )
  }
}
