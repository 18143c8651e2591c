import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCorpus } from './corpus.ts'
import { targetNames, targets } from './targets.ts'

const MOST_BYTES = 300_000

for (const name of targetNames) {
  test(`every input that is kept for ${name} keeps its promises`, async () => {
    const corpus = readCorpus(name)
    assert.ok(corpus.size > 0)
    const target = await targets[name]()
    for (const [file, input] of corpus) {
      const judged = (async () => target.run(input))()
      await judged.catch((error: unknown) => {
        throw new Error(`test/fuzz/corpus/${name}/${file}`, { cause: error })
      })
    }
    await target.close?.()
  })
}

test('what is kept stays small', () => {
  const bytes = targetNames
    .flatMap((name) => [...readCorpus(name).values()])
    .reduce((sum, input) => sum + input.length, 0)
  assert.ok(bytes < MOST_BYTES, `${bytes} bytes`)
})
