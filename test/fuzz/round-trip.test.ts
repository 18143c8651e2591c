import { test } from 'node:test'
import { runRoundTrips } from './round-trip.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20261121)
const stanzas = Number(process.env.FUZZ_STANZAS ?? 8000)

test('what goes out is for four parsers the one stanza that came in, whoever sent it', async (t) => {
  t.diagnostic(`FUZZ_SEED=${seed}`)
  const seen = await runRoundTrips({ seed, stanzas })
  t.diagnostic([...seen].map(([what, count]) => `${what}: ${count}`).join(', '))
})
