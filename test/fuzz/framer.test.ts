import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { runAgainstExpat } from './against-expat.ts'
import { Dice, Generator } from './generator.ts'
import { Oracle } from './oracle.ts'
import { componentStream, read } from './reading.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20261120)
const documents = Number(process.env.FUZZ_DOCUMENTS ?? 10_000)

const oracle = new Oracle()
after(() => oracle.close())

test('[RFC 6120 §11] the framer and expat agree on every document, however it is cut', async (t) => {
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const seen = await runAgainstExpat(oracle, { seed, documents, everyByteOf: 4 })
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

function describe(n: number, document: Buffer): string {
  return `document ${n} of FUZZ_SEED=${seed}: ${JSON.stringify(document.toString('latin1'))}`
}
