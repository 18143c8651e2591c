import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadExpress } from '../../src/scanning.ts'
import type { Express } from '../../src/xmpp/express.ts'
import { Found, Framer, type FramerLimits } from '../../src/xmpp/framer.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'
import { Dice } from '../fuzz/generator.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20261121)
const rounds = Number(process.env.FUZZ_DOCUMENTS ?? 20_000)
const limits: FramerLimits = { stanza_bytes: 2000, depth: 6, elements: 12, attributes: 6, namespaces: 4 }
const express = loadExpress(limits.stanza_bytes) as Express
assert.ok(express, 'this machine runs no WebAssembly with SIMD')

/** Whole stanzas that the express scanner has passed. */
let passed = 0
const readRecord = express.read.bind(express)
express.read = (record, head) => {
  passed++
  readRecord(record, head)
}

/** All that is found by a framer, with all that its head says, up to the first that is not whole. */
class Reading {
  readonly #framer: Framer
  trace = ''

  constructor(own: FramerLimits, withExpress: boolean) {
    this.#framer = new Framer(new Scanners(own, withExpress ? express : undefined), 'stanzas')
  }

  read(chunk: Uint8Array): void {
    this.#framer.push(chunk)
    for (let found = this.#framer.next(); found !== Found.nothing; found = this.#framer.next()) {
      this.trace += `${found} `
      if (found === Found.error) {
        this.trace += `${this.#framer.error?.condition} ${this.#framer.error?.text}`
        return
      }
      if (found === Found.stanza || found === Found.element) this.trace += `${this.#head()}\n`
    }
  }

  #head(): string {
    const { buffer: _, start, bytes, ...numbers } = this.#framer.head
    const relative = Object.entries(numbers).map(([name, value]) =>
      /(Start|End|Domain|Bare|^end)$/.test(name) && Number(value) >= 0 ? Number(value) - start : value,
    )
    return `${this.#framer.head.bytes.toString('latin1')} ${relative}`
  }
}

const texts = [
  '',
  'Wherefore art thou?',
  'é',
  '漢字',
  '\u{1f600}',
  ' ',
  '\n',
  '\t',
  ']',
  ']]',
  '&amp;',
  '&#39;',
  '&quot;',
]
const rare = [
  ']]>',
  '&',
  '&#x41;',
  '&#9;',
  '&nbsp;',
  '\r',
  '<![CDATA[x]]>',
  '<!-- -->',
  '<?p?>',
  '\u0001',
  '\ufffe',
  '\x7f',
  '>',
]
const jids = [
  'a@b.example/c',
  'b.example',
  'A@b',
  'b.',
  '@b',
  'a@',
  '/',
  'a@b/',
  'ü@b',
  'a:b@c',
  'b:5',
  "o'k@b",
  'a@b@c/d',
]
const names = ['body', 'x', 'query', 'a.b-c', '_', 'thread', 'activeandverylongnameofanelement']
const attributes = ['a', 'b', 'code', 'node', 'xml:lang', 'xml:base', 'type', 'id', 'to', 'from', 'longattributename']
const spaces = ['urn:xmpp:receipts', 'jabber:component:accept', 'http://jabber.org/protocol/muc#user', '']
const rareSpaces = [
  'http://etherx.jabber.org/streams',
  'http://www.w3.org/XML/1998/namespace',
  'a b',
  'a|b',
  'urn:a&amp;b',
]
const types = ['chat', 'get', 'set', 'result', 'error', 'groupchat', 'headline', 'normal', 'unavailable', 'probe']
const moreTypes = [
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
  'subscribing',
  'getx',
  '',
  'groupchats',
  'x',
]

/** Writes stanzas that are mostly of the usual kind. */
class Writer {
  readonly #dice: Dice

  constructor(dice: Dice) {
    this.#dice = dice
  }

  stanza(): string {
    const dice = this.#dice
    const name = dice.chance(0.97)
      ? dice.pick(['message', 'iq', 'presence'])
      : dice.pick(['handshake', 'messages', 'i', 'p:iq'])
    const own = dice.times(4, () => this.#attribute(['to', 'from', 'id', 'type', 'xml:lang', 'xmlns']))
    if (dice.chance(0.2)) return `<${name}${own}${this.#space()}/>`
    return `<${name}${own}${this.#space()}>${this.#content(1)}</${name}${this.#space()}>`
  }

  #content(depth: number): string {
    const dice = this.#dice
    return dice.times(3, () => (dice.chance(0.5) || depth > 6 ? this.#text() : this.#element(depth)))
  }

  #element(depth: number): string {
    const dice = this.#dice
    const name = dice.chance(0.98) ? dice.pick(names) : dice.pick(['p:x', 'é', '1', 'stream:x'])
    const own = `${dice.chance(0.3) ? this.#attribute(['xmlns']) : ''}${dice.times(2, () => this.#attribute(attributes))}`
    if (dice.chance(0.3)) return `<${name}${own}${this.#space()}/>`
    return `<${name}${own}>${this.#content(depth + 1)}</${dice.chance(0.99) ? name : dice.pick(names)}>`
  }

  #attribute(from: readonly string[]): string {
    const dice = this.#dice
    const name = dice.chance(0.98) ? dice.pick(from) : dice.pick(['p:a', 'xmlns:p', '1', 'é', 'xml:', 'to '])
    const quote = dice.pick(["'", '"'])
    const value = this.#value(name).replaceAll(quote, '&apos;')
    return `${dice.chance(0.98) ? dice.pick([' ', '  ', '\n']) : ''}${name}=${quote}${value}${quote}`
  }

  #value(name: string): string {
    const dice = this.#dice
    if (name === 'to' || name === 'from') return dice.pick(jids)
    if (name === 'type') return dice.pick(dice.chance(0.7) ? types : moreTypes)
    if (name === 'xmlns') return dice.pick(dice.chance(0.85) ? spaces : rareSpaces)
    return dice.pick([...texts, 'x<y', 'value', 'a longer value that fills more than one register'])
  }

  #text(): string {
    const dice = this.#dice
    return dice.times(3, () => dice.pick(dice.chance(0.97) ? texts : rare))
  }

  #space(): string {
    return this.#dice.chance(0.9) ? '' : this.#dice.pick([' ', '\n', '\t '])
  }
}

/** Markup out of place, and characters that are overlong, surrogates, cut or forbidden. */
const wrong = [
  '00',
  '20',
  '22',
  '26',
  '27',
  '2f',
  '3c',
  '3d',
  '3e',
  '5d',
  '3a',
  '41',
  '5d5d3e',
  '80',
  'c3',
  'e2',
  'c080',
]
const wrongCharacters = [
  'ed9fbf',
  'eda080',
  'efbfbd',
  'efbfbe',
  'e08080',
  'f0808080',
  'f48fbfbf',
  'f4908080',
  'f8',
  'e28020',
]

/** Something put into a document, or taken out, or both. */
function damaged(document: Buffer, dice: Dice): Buffer {
  const at = dice.below(document.length)
  const rest = document.subarray(at + dice.below(2))
  const bytes = dice.chance(0.8) ? dice.pick([...wrong, ...wrongCharacters, ...wrongCharacters]) : ''
  return Buffer.concat([document.subarray(0, at), Buffer.from(bytes, 'hex'), rest])
}

function* pieces(document: Buffer, dice: Dice): Iterable<Buffer> {
  const most = dice.pick([1, 3, 20, 200, 5000])
  for (let at = 0; at < document.length; ) {
    const end = Math.min(document.length, at + 1 + dice.below(most))
    yield document.subarray(at, end)
    at = end
  }
}

test('with the express scanner the framer finds what it finds without, whatever comes and however it is cut', (t) => {
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const dice = new Dice(seed)
  const writer = new Writer(dice)
  let stanzas = 0
  for (let round = 0; round < rounds; round++) {
    const text = dice.times(
      4,
      () => `${writer.stanza()}${dice.chance(0.9) ? '' : dice.pick([' ', '\n', 'x', '</stream:stream>'])}`,
    )
    const whole = Buffer.from(text)
    const document = whole.length > 0 && dice.chance(0.5) ? damaged(whole, dice) : whole
    const own = {
      stanza_bytes: dice.pick([2000, 2000, 100, 40]),
      depth: dice.pick([limits.depth, 2]),
      elements: dice.pick([limits.elements, 3]),
      attributes: dice.pick([limits.attributes, 2]),
      namespaces: dice.pick([limits.namespaces, 1]),
    }
    const plain = new Reading(own, false)
    const both = new Reading(own, true)
    const describe = () => `round ${round} of FUZZ_SEED=${seed}: ${JSON.stringify(document.toString('latin1'))}`
    for (const piece of pieces(document, dice)) {
      plain.read(piece)
      both.read(piece)
      // After each piece, not only at the end: what is wrong is found as early.
      assert.equal(both.trace, plain.trace, describe())
    }
    stanzas += plain.trace.match(/^2 /gm)?.length ?? 0
  }
  t.diagnostic(`${passed} of ${stanzas} stanzas by the express scanner`)
  assert.ok(passed > stanzas / 4, 'too few stanzas of the usual kind to say anything')
})

test('framers that take turns within their input do not disturb one another', () => {
  const dice = new Dice(seed + 1)
  const document = (name: string) =>
    Buffer.from(`<message id='${name}'><body>${name.repeat(40)}</body></message>`.repeat(30))
  const framers = ['one', 'two', 'three'].map((name) => {
    const framer = new Framer(new Scanners({ ...limits, stanza_bytes: 100_000 }, express), 'stanzas')
    return { name, framer, left: [...pieces(document(name), dice)], found: 0 }
  })
  while (framers.some(({ left }) => left.length > 0)) {
    const one = dice.pick(framers)
    const piece = one.left.shift()
    if (piece !== undefined) one.framer.push(piece)
    // Not always to the end of what there is.
    for (let n = dice.below(4) + (piece === undefined ? 100 : 0); n > 0; n--) {
      const found = one.framer.next()
      if (found === Found.nothing) break
      assert.equal(found, Found.stanza, one.framer.error?.text)
      assert.equal(
        `${one.framer.head.bytes}`,
        `<message id='${one.name}'><body>${one.name.repeat(40)}</body></message>`,
      )
      one.found++
    }
  }
  for (const one of framers) {
    while (one.framer.next() === Found.stanza) one.found++
    assert.equal(one.found, 30, one.name)
    assert.equal(one.framer.pending, 0)
  }
})

test('a stream between two stanzas holds neither bytes nor a plain framer', () => {
  const framer = new Framer(new Scanners(limits, express), 'stanzas')
  framer.push(Buffer.from('<iq/><message><body>cut he'))
  assert.equal(framer.next(), Found.stanza)
  assert.equal(framer.next(), Found.nothing)
  assert.ok(framer.capacity > 0 && framer.capacity < 100)
  framer.push(Buffer.from('re</body></message><handshake>x</handshake>\n'))
  assert.deepEqual([framer.next(), framer.next(), framer.next()], [Found.stanza, Found.element, Found.nothing])
  assert.deepEqual([framer.pending, framer.capacity, framer.head.buffer.length], [0, 0, 0])
})

test('a large stanza in pieces, and one larger than the memory, come out whole', () => {
  const own = { ...limits, stanza_bytes: 8 << 20 }
  for (const size of [100_000, 500_000, 7 << 20]) {
    const stanza = `<message to='a@b'><body>${'x'.repeat(size)}</body></message>`
    const all = Buffer.from(`${stanza}<iq/>${stanza}`)
    for (const step of [4096, 65_536, 1 << 20]) {
      const framer = new Framer(new Scanners(own, express), 'stanzas')
      const lengths: number[] = []
      for (let at = 0; at < all.length; at += step) {
        framer.push(all.subarray(at, at + step))
        while (framer.next() === Found.stanza) lengths.push(framer.head.end - framer.head.start)
      }
      assert.deepEqual(lengths, [stanza.length, 5, stanza.length], `${size} in pieces of ${step}`)
      assert.equal(framer.pending, 0)
    }
  }
})

test('a stream that has had a large stanza in pieces keeps nothing of it, nor does what streams share', () => {
  const scanners = new Scanners({ ...limits, stanza_bytes: 1 << 20 }, express)
  const framer = new Framer(scanners, 'stanzas')
  for (const piece of [
    `<message><body>`,
    ...Array.from({ length: 100 }, () => 'x'.repeat(4000)),
    '</body></message>',
  ]) {
    framer.push(Buffer.from(piece))
    while (framer.next() === Found.stanza) assert.equal(framer.head.end - framer.head.start, 400_032)
  }
  assert.deepEqual([framer.pending, framer.capacity, framer.head.buffer.length], [0, 0, 0])
  assert.ok(scanners.borrow().capacity < 200_000)
})

test('a framer that is stopped in the midst of its input leaves nothing behind', () => {
  const scanners = new Scanners(limits, express)
  const framer = new Framer(scanners, 'stanzas')
  framer.push(Buffer.from('<iq/><iq/><iq/>'))
  assert.equal(framer.next(), Found.stanza)
  framer.stop()
  const other = new Framer(scanners, 'stanzas')
  other.push(Buffer.from("<message to='a'/>"))
  assert.equal(other.next(), Found.stanza)
  assert.equal(framer.pending, 0)
})

test('messages that have been scanned already are taken at once, up to the next iq, and what is left stays for others, too', () => {
  const messages = ['1', '22', '333'].map((id) => `<message id='${id}'/>`).join('')
  const rest = "<iq type='get' id='4'><q xmlns='q'/></iq><presence/>"
  for (const withExpress of [true, false]) {
    const framer = new Framer(new Scanners(limits, withExpress ? express : undefined), 'stanzas')
    framer.push(Buffer.from(messages + rest))
    let found = ''
    for (let count = 0; count < 3; ) {
      assert.equal(framer.next(), Found.stanza)
      count += framer.takeAlike()
      found += framer.head.bytes.toString()
    }
    assert.equal(found, messages)
    if (withExpress) assert.equal(framer.pending, rest.length)
    // Another stream takes the memory.
    const other = new Framer(new Scanners(limits, express), 'stanzas')
    other.push(Buffer.from('<presence/>'))
    assert.equal(other.next(), Found.stanza)
    for (const one of [rest.slice(0, -11), rest.slice(-11)]) {
      assert.equal(framer.next(), Found.stanza)
      assert.equal(framer.head.bytes.toString(), one)
    }
    assert.equal(framer.next(), Found.nothing)
  }
})
