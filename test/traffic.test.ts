import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Skipped, trafficOf } from '../src/traffic.ts'

const limits = { stanza_bytes: 1000, depth: 8, elements: 100, attributes: 8, namespaces: 8 }

/** What is read of the input, in chunks of so many bytes. */
function read(input: string, length = 1000) {
  const skipped: Skipped = { elsewhere: 0, replies: 0, malformed: 0, lone: 0 }
  const complaints: string[] = []
  const complain = (line: number, what: string) => complaints.push(`${line}: ${what}`)
  const bytes = Buffer.from(input)
  const chunks = function* () {
    for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length)
  }
  const pairs = [...trafficOf(chunks(), { domain: 'plays.test', limits, complain }, skipped)]
  return { pairs: pairs.map((item) => ('from' in item ? `${item.from} > ${item.to}` : '#')), complaints, skipped }
}

const pairsOf = (input: string): readonly string[] => read(input).pairs

test('a lone address is FROM, and the stanza is for the domain', () => {
  const { pairs, skipped } = read('a@b.test/c d\r\nx.test')
  assert.deepEqual(pairs, ['a@b.test/c d > plays.test', 'x.test > plays.test'])
  assert.equal(skipped.lone, 2)
})

test('a tab divides always, a space only before an address of the domain', () => {
  assert.deepEqual(pairsOf('a@b.test/c d\tx@plays.test/e f'), ['a@b.test/c d > x@plays.test/e f'])
  assert.deepEqual(pairsOf('a@b.test/c x@plays.test'), ['a@b.test/c > x@plays.test'])
  assert.deepEqual(pairsOf('a@b.test/c x@other.test'), ['a@b.test/c x@other.test > plays.test'])
})

test('what is for another domain, and iq replies, are counted apart', () => {
  assert.equal(read('a@b.test\tx.test').skipped.elsewhere, 1)
  const { pairs, skipped } = read(
    "<iq type='result' id='1' from='a.test' to='plays.test'/><message from='a.test' to='b.test'/>",
  )
  assert.deepEqual([pairs.length, skipped.replies, skipped.elsewhere], [0, 1, 1])
})

test('references in an address are decoded', () => {
  assert.deepEqual(pairsOf("<message from='a@b.test/&lt;&amp;' to='plays.test'/>"), ['a@b.test/<& > plays.test'])
})

test('a whole stream with its header, or stanzas without one', () => {
  const stanza = "<presence from='a.test' to='plays.test'/>"
  const header =
    "<?xml version='1.0'?>\n<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>"
  for (const input of [stanza, `\n ${stanza}\n`, `${header}${stanza}\n${stanza}</stream:stream>\n`]) {
    const { complaints, pairs } = read(input)
    assert.deepEqual(complaints, [])
    assert(pairs.length > 0)
  }
})

test('what is broken is named with its line, and reading goes on with the next one', () => {
  const good = "<message from='a.test' to='plays.test'/>"
  const { pairs, complaints, skipped } = read(
    `${good}\n<a></b>${good}\n${good}\n<message from='@' to='plays.test'/>\n<a`,
  )
  assert.equal(pairs.length, 2)
  assert.match(complaints[0]!, /^2: not-well-formed: /)
  assert.equal(complaints[1], "4: a stanza without a valid 'from'")
  assert.equal(complaints[2], '0: the input ends inside a stanza')
  assert.equal(skipped.malformed, 3)
})

test('no cut of the input makes a difference', () => {
  const stanzas = "<message from='ä@b.test' to='plays.test'>\n<body>ß</body></message>\n<a></b>\n<iq from='a.test'/>\n"
  for (const input of ['ä@b.test/ß\tplays.test\n\nx@y.test\n@@\n', stanzas]) {
    const whole = read(input)
    for (let length = 1; length < 12; length++) assert.deepEqual(read(input, length), whole)
  }
})

test('a line without an end is refused and not kept', () => {
  const { pairs, complaints } = read(`${'a'.repeat(100_000)}\nb.test\n`)
  assert.deepEqual(complaints, ['1: the line is too long'])
  assert.deepEqual(pairs, ['b.test > plays.test'])
})

test('a recorded sample gives its items back, with addresses or hashes; one of another domain or form is refused', () => {
  const hashes = { source: 1, destination: 2, bare_source: 3, bare_destination: 4 }
  const items = [
    { from: 'a@b.test', to: 'plays.test', weight: 2.5 },
    { hashes, hasLocal: false, weight: 1 },
  ]
  const sample = { format: 1, domain: 'plays.test', items }
  const { pairs, complaints } = read(JSON.stringify(sample, null, 1), 7)
  assert.deepEqual([pairs, complaints], [['a@b.test > plays.test', '#'], []])
  const spoilt = read(
    JSON.stringify({ ...sample, items: [...items, { hashes: { source: 1 }, hasLocal: true, weight: 1 }] }),
  )
  assert.deepEqual([spoilt.skipped.malformed, spoilt.pairs.length], [1, 2])
  assert.throws(() => read(JSON.stringify({ ...sample, domain: 'x.test' })), /it is of x\.test, and .* plays\.test/)
  assert.throws(() => read(JSON.stringify({ ...sample, format: 2 })), /no form that is known/)
  assert.throws(() => read('{"format": 1'), /the sample cannot be used/)
})
