import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Finding, Guided } from './guided.ts'
import { planted } from './planted.ts'

test('what has been reached leads further, to a fault, cut short, and to what takes too long; the inputs that lead there are chosen', async (t) => {
  const found: Finding[] = []
  const guided = new Guided({
    target: { form: 'text', mostBytes: 16, tokens: [...'SWY!L0'], run: planted },
    ...{ seed: 1, corpus: [Buffer.from('hello')] },
    isOurs: (url) => url.includes('/fuzz/planted.ts'),
    isOver: ({ inputs }) => found.length === 2 || inputs > 1_000_000,
    found: (finding) => found.push(finding),
  })
  t.diagnostic(`${(await guided.run()).inputs} inputs`)
  const why = new Map(found.map((finding) => [finding.input.toString('latin1', 0, 4), finding]))
  assert.deepEqual([...why.keys()].sort(), ['SL0W', 'SWY!'])
  assert.equal(why.get('SWY!')?.input.length, 4)
  assert.match(why.get('SWY!')?.why ?? '', /planted/)
  assert.match(why.get('SL0W')?.why ?? '', /takes \d+ ms/)
  const chosen = await guided.distilled(1000)
  assert.ok(chosen.length >= 5 && chosen.length <= guided.figures.kept, `${chosen.length} of ${guided.figures.kept}`)
  assert.deepEqual(await guided.distilled(0), [])
  guided.stop()
})
