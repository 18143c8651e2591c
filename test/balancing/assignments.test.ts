import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import murmurhash from 'murmurhash'
import { bucketOf } from '../../balancing/buckets.ts'
import { hashText } from '../../balancing/hash.ts'
import { Rendezvous } from '../../balancing/rendezvous.ts'
import { bareText, fullText, normalise } from '../../src/xmpp/jid.ts'

interface Assignment {
  readonly jid: string
  readonly bare: boolean
  readonly key: string
  readonly hash: number
  /** Per number of buckets. */
  readonly buckets: Readonly<Record<string, number>>
  /** Of `few`, compared directly, and of `many`, in a table. */
  readonly few: string
  readonly many: string
}

interface Golden {
  readonly few: readonly string[]
  readonly many: readonly string[]
  readonly assignments: readonly Assignment[]
}

// A contract: nodes of neighbouring releases work in one cluster, so no release may change a line of this file.
const golden: Golden = JSON.parse(readFileSync(new URL('./assignments.golden.json', import.meta.url), 'utf8'))

test('every pinned JID has the key, hash, buckets and winners that it has always had', () => {
  const few = Rendezvous.of(golden.few)
  const many = Rendezvous.of(golden.many)
  assert.ok(golden.assignments.length >= 30)
  for (const { jid, bare, buckets, ...pinned } of golden.assignments) {
    const normal = normalise(jid)
    assert.ok(normal, jid)
    const key = bare ? bareText(normal) : fullText(normal)
    const hash = hashText(key)
    assert.deepEqual({ key, hash, few: few.names[few.pick(hash)], many: many.names[many.pick(hash)] }, pinned)
    for (const [count, bucket] of Object.entries(buckets)) assert.equal(bucketOf(hash, Number(count)), bucket)
  }
})

test('the pinned hashes are those of the murmurhash package', () => {
  for (const { key, hash } of golden.assignments) assert.equal(murmurhash.v3(key), hash)
})
