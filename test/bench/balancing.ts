import { bucketOf } from '../../balancing/buckets.ts'
import { murmur3 } from '../../balancing/hash.ts'
import { phash2 } from '../../balancing/phash2.ts'
import { Rendezvous } from '../../balancing/rendezvous.ts'
import { bareEnd, fullText, isPlain, normalise } from '../../src/xmpp/jid.ts'

// `node --import tsx test/bench/balancing.ts` prints nanoseconds per operation: the best of five rounds, which is the
// one that the machine's other work disturbed least.

const rounds = 5
const operations = 2_000_000
const ranges = 1024
const jidBytes = 40

/** Many full JIDs of 40 bytes in one buffer, as the framer has them, so that no branch can learn them by heart. */
const buffer = Buffer.from(
  Array.from({ length: ranges }, (_, user) => `user${user}@example.org/`.padEnd(jidBytes, 'resource')).join(''),
)

function measure(name: string, operation: (start: number) => number, times = operations): void {
  let best = Number.POSITIVE_INFINITY
  let sum = 0
  for (let round = 0; round < rounds; round++) {
    const began = process.hrtime.bigint()
    for (let turn = 0; turn < times; turn++) sum = (sum + operation((turn % ranges) * jidBytes)) | 0
    best = Math.min(best, Number(process.hrtime.bigint() - began) / times)
  }
  // The sum is printed so that no compiler can leave the work out.
  console.log(`${name.padEnd(44)} ${best.toFixed(1).padStart(8)} ns/op  (${sum})`)
}

measure('nothing but the loop', (start) => start)
measure('murmur3, 40 bytes', (start) => murmur3(buffer, start, start + jidBytes))
measure('phash2, 40 bytes in three parts', (start) => {
  const slash = start + 20
  return phash2(buffer, start, start + 5, start + 6, slash, slash + 1, start + jidBytes)
})
measure('isPlain, full JID of 40 bytes', (start) => (isPlain(buffer, start, start + jidBytes) ? 1 : 0))
measure('bareEnd + isPlain + murmur3 + bucket of 3', (start) => {
  const end = bareEnd(buffer, start, start + jidBytes)
  return isPlain(buffer, start, end) ? bucketOf(murmur3(buffer, start, end), 3) : -1
})
for (const count of [1, 8, 10, 100, 1000]) {
  const rendezvous = Rendezvous.of(Array.from({ length: count }, (_, index) => `node/${index}`))
  rendezvous.pick(0)
  measure(`rendezvous pick of ${count}`, (start) => rendezvous.pick(Math.imul(start + 1, 0x9e3779b1) >>> 0))
  const grown = rendezvous.with('added')
  if (count > 8)
    measure(`rendezvous join and leave, ${count}`, () => grown.without('added').with('added').names.length, 50)
}
for (const jid of ['Juliet@Example.com/balcony', 'юлия@пример.рф/телефон', '山田太郎@例え.jp']) {
  measure(`normalise ${jid}`, () => fullText(normalise(jid) ?? { local: '', domain: '', resource: '' }).length, 20_000)
}
