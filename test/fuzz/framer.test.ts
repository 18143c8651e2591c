import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { loadExpress } from '../../src/scanning.ts'
import { Found, Framer } from '../../src/xmpp/framer.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'
import { Dice, Generator } from './generator.ts'
import { Oracle, type Verdict } from './oracle.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20261120)
const documents = Number(process.env.FUZZ_DOCUMENTS ?? 10_000)
const limits = { stanza_bytes: 1 << 20, depth: 1000, elements: 10_000, attributes: 1000, namespaces: 1000 }
const componentStream =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>"

interface Reading {
  /** The condition of the error, or whether the stream is closed. */
  readonly what: string
  readonly text: string
  /** The first-level elements as they go on. */
  readonly elements: readonly Buffer[]
  /** All that was found, in order, as a string to compare. */
  readonly trace: string
  readonly rewritten: number
}

const oracle = new Oracle()
after(() => oracle.close())

const express = loadExpress(limits.stanza_bytes)
assert.ok(express, 'this machine runs no WebAssembly with SIMD, so the express scanner would not be tested')
const plain = new Scanners(limits)
const both = new Scanners(limits, express)

function read(document: Buffer, cuts: Iterable<number>, scanners = both): Reading {
  const framer = new Framer(scanners)
  const elements: Buffer[] = []
  let what = 'open'
  let trace = ''
  let from = 0
  for (const cut of [...cuts, document.length]) {
    if (framer.error !== undefined) break
    framer.push(document.subarray(from, cut))
    from = cut
    for (let found = framer.next(); found !== Found.nothing; found = framer.next()) {
      trace += `${found} `
      if (found === Found.footer) what = 'whole'
      if (found === Found.error) break
      if (found !== Found.stanza && found !== Found.element) continue
      const { head } = framer
      elements.push(Buffer.from(head.bytes))
      trace += `${head.bytes} ${head.kind} ${head.type} ${head.tagEnd - head.start} ${head.children} ${head.streams} `
      trace += `${head.text(head.fromStart, head.fromEnd)} ${head.text(head.toStart, head.toEnd)} ${head.text(head.idStart, head.idEnd)} `
    }
  }
  if (framer.error !== undefined) what = framer.error.condition
  else if (framer.pending > 0) what = 'open'
  return { what, text: framer.error?.text ?? '', elements, trace: `${trace}${what}`, rewritten: framer.rewritten }
}

function* randomCuts(length: number, dice: Dice): Iterable<number> {
  for (let at = dice.below(40); at < length; at += 1 + dice.below(40)) yield at
}

const everyByte = (length: number) => Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1)

/**
 * Both refuse or neither does, after the same elements. We may be earlier: what nothing can mend we refuse at once.
 * Where we name a narrower condition for what expat only calls not well-formed, both are right.
 */
function agree(ours: Reading, [what, elements]: Verdict): boolean {
  if (elements !== ours.elements.length) return false
  if (what === ours.what) return true
  if (what === 'open')
    return ours.what === 'restricted-xml' || ours.what === 'not-well-formed' || ours.what === 'bad-format'
  if (what === 'not-well-formed') return ours.what === 'restricted-xml' || ours.what === 'bad-format'
  return what === 'restricted-xml' && ours.what === 'bad-format'
}

/** Where we decide by the first bytes: a byte order mark is text (RFC 6120 §11.6), and expat reads or refuses UTF-16. */
function deviates(document: Buffer): string | undefined {
  if (document[0] === 0xef) return document[1] === 0xbb && document[2] === 0xbf ? 'not-well-formed' : undefined
  const foreign =
    document[0] === 0 ||
    (document[0] ?? 0) >= 0xfe ||
    (/[< \t\r\n]/.test(String(document.subarray(0, 1))) && document[1] === 0)
  return foreign ? 'unsupported-encoding' : undefined
}

test('[RFC 6120 §11] the framer and expat agree on every document, however it is cut', async (t) => {
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const dice = new Dice(seed)
  const generator = new Generator(dice)
  const seen = new Map<string, number>()
  for (let n = 0; n < documents; n++) {
    const document = generator.document()
    const verdict = oracle.judge(document)
    const whole = read(document, [])
    for (const scanners of [plain, both]) {
      assert.equal(read(document, [], scanners).trace, whole.trace, describe(n, document))
      assert.equal(read(document, everyByte(document.length), scanners).trace, whole.trace, describe(n, document))
      assert.equal(
        read(document, randomCuts(document.length, dice), scanners).trace,
        whole.trace,
        describe(n, document),
      )
    }
    const expat = await verdict
    const deviation = deviates(document)
    if (deviation === undefined) assert.ok(agree(whole, expat), `${compare(whole, expat)}; ${describe(n, document)}`)
    else assert.equal(whole.what, deviation, describe(n, document))
    seen.set(whole.what, (seen.get(whole.what) ?? 0) + 1)
  }
  t.diagnostic([...seen].map(([what, count]) => `${what}: ${count}`).join(', '))
})

test('what is rewritten has the infoset that came in, and everything else the bytes', async (t) => {
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const dice = new Dice(seed + 1)
  const generator = new Generator(dice)
  let rewritten = 0
  for (let n = 0; n < documents / 2; n++) {
    const document = generator.document()
    const reading = read(document, [])
    if (reading.what !== 'whole') continue
    const out = Buffer.concat([Buffer.from(componentStream), ...reading.elements, Buffer.from('</stream:stream>')])
    if (document.includes("xmlns='jabber:component:accept' xmlns:stream")) {
      assert.deepEqual(await oracle.infoset(out), await oracle.infoset(document), describe(n, document))
    }
    const again = read(out, [])
    assert.equal(again.what, 'whole', describe(n, document))
    assert.deepEqual(again.elements, reading.elements, describe(n, document))
    if (reading.rewritten === 0) {
      for (const element of reading.elements) assert.ok(document.includes(element), describe(n, document))
    }
    rewritten += reading.rewritten
  }
  t.diagnostic(`${rewritten} elements rewritten`)
})

function compare(ours: Reading, expat: Verdict): string {
  return `${ours.what} (${ours.text}) after ${ours.elements.length}, expat ${expat}`
}

function describe(n: number, document: Buffer): string {
  return `document ${n} of FUZZ_SEED=${seed}: ${JSON.stringify(document.toString('latin1'))}`
}
