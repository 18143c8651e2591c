import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runSoak } from './campaign.ts'
import { inTurn } from './faults.ts'
import { readOptions } from './options.ts'
import { soakReport } from './report.ts'
import { gapOf, type Sample } from './samples.ts'
import { Questions, Tally } from './tally.ts'
import { faultsOf, leastSquares, type SoakResult, slopesOf } from './verdict.ts'

/** Too short to say anything of memory: that a soak works, and that it can fail. `npm run soak` has the hours. */
const slice = { seconds: 22, warmUpSeconds: 0, seed: 7, nodes: 1, rate: 200, faultEvery: 5, sampleEvery: 2 }
const kinds = ['kill', 'drain', 'link-reset'] as const

describe('a slice of a soak', () => {
  let result: SoakResult
  before(
    async () => {
      result = await runSoak({ ...slice, kinds })
    },
    { timeout: 150_000 },
  )

  test('loses nothing over a killed instance, a drained one and a link that is reset, and its counters add up', () => {
    assert.deepEqual(faultsOf(result), [])
    for (const kind of kinds) assert.ok((result.faults[kind] ?? 0) >= 1, kind)
    assert.ok(result.tally.delivered > 1000 && result.tally.answered > 100 && result.asked.answered > 10)
    assert.match(soakReport(result), /\nok\n$/)
  })

  test('looks at memory, descriptors, delay and every counter again and again', () => {
    assert.ok(result.samples.length >= 5)
    for (const { resident, descriptors, delayP99, delayMost, heapUsed, accounts } of result.samples) {
      for (const value of [resident, descriptors, heapUsed]) assert.ok(value > 0)
      assert.ok(Number.isFinite(delayP99) && Number.isFinite(delayMost))
      assert.equal(accounts.length, 3)
    }
    const [accounts = []] = Object.values(result.accounts)
    assert.ok(accounts.some(({ received }) => received > 1000))
  })

  const altered: readonly (readonly [what: string, of: (result: SoakResult) => SoakResult, says: RegExp])[] = [
    ['a stanza that is lost', (of) => ({ ...of, tally: { ...of.tally, lost: 1 } }), /^lost: 1/],
    ['a request without an answer', (of) => ({ ...of, tally: { ...of.tally, unanswered: 9, excused: 8 } }), /: 1 \(/],
    ['a stanza out of order', (of) => ({ ...of, tally: { ...of.tally, reordered: 1 } }), /^out of order: 1/],
    [
      'an answer to the wrong instance',
      (of) => ({ ...of, asked: { ...of.asked, misdirected: 1 } }),
      /another, or twice: 1/,
    ],
    ['a fault that did not pass', (of) => ({ ...of, troubles: ['kill at 9 s: x'] }), /^kill at 9 s/],
    ['a counter that is one off in one look', (of) => ({ ...of, samples: oneOff(of.samples) }), /do not add up by 1:/],
    [
      'a counter that is one off in the end',
      (of) => ({ ...of, accounts: { y: [{ ...none, received: 1 }] } }),
      /y in the end/,
    ],
    [
      'a stanza that is kept for ever',
      (of) => ({ ...of, accounts: { y: [{ ...none, received: 1, held: 1 }] } }),
      /keeps 1/,
    ],
    [
      'descriptors that stay open',
      (of) => ({ ...of, descriptors: { y: { before: 30, after: 33 } } }),
      /has 33 descriptors/,
    ],
    ['memory that grows by 2 MB an hour', (of) => ({ ...of, ...grown(2) }), /^y grows by 2\.0\d MB an hour/],
  ]
  for (const [what, of, says] of altered) {
    test(`${what} is a failure`, () => {
      const wrong = faultsOf(of(result))
      assert.equal(wrong.length, 1)
      assert.match(wrong[0] ?? '', says)
      assert.match(soakReport(of(result)), /\nWRONG\n/)
    })
  }

  test('memory that grows by half a megabyte an hour is none, nor is what a short run says of it', () => {
    assert.deepEqual(faultsOf({ ...result, ...grown(0.5) }), [])
    assert.deepEqual(faultsOf({ ...result, ...grown(2), seconds: 1799 }), [])
  })
})

const none = { domain: 'd', received: 0, delivered: 0, forwarded: 0, bounced: 0, dropped: 0, held: 0 }

function oneOff([first, ...rest]: readonly Sample[]): readonly Sample[] {
  const [account = none, ...others] = first?.accounts ?? []
  return first === undefined
    ? []
    : [{ ...first, accounts: [{ ...account, received: account.received + 1 }, ...others] }, ...rest]
}

/** Two hours of a node that grows so much, after a warm-up in which it grew a lot. */
function grown(megabytesAnHour: number): Pick<SoakResult, 'seconds' | 'warmUpSeconds' | 'samples'> {
  const samples = Array.from({ length: 720 }, (_, index): Sample => {
    const at = index * 10
    const grows = Math.min(at, 600) * 100_000 + (at / 3600) * megabytesAnHour * 1e6
    const swings = (index % 2) * 3e6
    return {
      ...{ node: 'y', at, resident: 90e6 + grows + swings, heapUsed: 1, external: 1, descriptors: 30 },
      ...{ delayP99: 1, delayMost: 1, accounts: [] },
    }
  })
  return { seconds: 7200, warmUpSeconds: 600, samples }
}

test('the slope is that of least squares, with its standard error', () => {
  const line = leastSquares([
    [0, 1],
    [1, 3],
    [2, 5],
  ])
  assert.deepEqual(line, { slope: 2, error: 0 })
  const { slope, error } = leastSquares([
    [0, 0],
    [1, 2],
    [2, 1],
    [3, 3],
  ])
  assert.ok(Math.abs(slope - 0.8) < 1e-12 && Math.abs(error - Math.sqrt(1.8 / 2 / 5)) < 1e-12)
  assert.deepEqual(
    slopesOf({ ...grown(1) } as SoakResult).map(({ node, samples }) => [node, samples]),
    [['y', 660]],
  )
})

test('an account is off by what was received and is nowhere', () => {
  assert.equal(gapOf({ ...none, received: 9, delivered: 2, forwarded: 1, bounced: 1, dropped: 1, held: 3 }), 1)
})

test('what was sent and has no end is lost; a stanza that comes twice, late or to nobody is told apart', () => {
  const tally = new Tally()
  for (const name of ['s.0.1.1.message', 's.0.1.2.message', 's.0.1.3.get', 's.0.1.4.message']) tally.send(name)
  tally.deliver('s.0.1.2.message')
  tally.deliver('s.0.1.2.message')
  tally.deliver('s.0.1.1.message')
  tally.deliver('s.0.1.3.get')
  tally.answer('s.0.1.2.message', 'gone')
  const { sent, delivered, duplicates, reordered, lost, unanswered, excused, endedTwice } = tally.totals()
  assert.deepEqual(
    { sent, delivered, duplicates, reordered, lost, unanswered, excused, endedTwice },
    { sent: 4, delivered: 3, duplicates: 1, reordered: 1, lost: 1, unanswered: 1, excused: 0, endedTwice: 1 },
  )
  tally.excuse()
  assert.equal(tally.totals().excused, 1)
  tally.answer('s.0.1.4.message', 'remote-server-timeout')
  assert.equal(tally.totals().lost, 0)
  assert.equal(tally.open, 1)
})

test('an answer that comes to another instance than the one that asked is misdirected', () => {
  const [questions, red, blue] = [new Questions(), {}, {}]
  for (const id of ['1', '2', '3']) questions.ask(id, red)
  questions.answer('1', red)
  questions.answer('2', blue)
  assert.deepEqual(questions.totals(), {
    ...{ sent: 3, answered: 1, askerGone: 0, misdirected: 1, excused: 0, unanswered: 1 },
  })
  questions.gone(red)
  assert.deepEqual([questions.totals().askerGone, questions.open], [1, 0])
})

test('every kind of fault comes once before any comes twice, in an order that the seed decides', () => {
  const all = ['kill', 'hang', 'drain', 'burst'] as const
  const drawn = inTurn(all, () => 0.6)
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(new Set(all.map(() => drawn.next().value)), new Set(all))
  }
})

test('two hours of one node are what is asked for when nothing is said, and hours and minutes add up', () => {
  const of = (...argv: readonly string[]) => readOptions(argv, () => 5)?.options
  assert.equal(of()?.seconds, 7200)
  assert.equal(of('--hours', '1', '--minutes', '6')?.seconds, 3960)
  assert.deepEqual([of('--minutes', '6')?.warmUpSeconds, of('--hours', '9')?.warmUpSeconds], [60, 600])
  assert.deepEqual([of()?.nodes, of()?.seed, of('--nodes', '3', '--seed', '8')?.seed], [1, 5, 8])
  assert.equal(of('--help'), undefined)
  for (const wrong of [
    ['--hours', 'x'],
    ['--hours', ''],
    ['--hours', '0'],
    ['--nodes', '0'],
    ['--faults', 'kill,no'],
    ['--faults', 'redis'],
    ['--no'],
  ]) {
    assert.throws(() => of(...wrong), wrong.join(' '))
  }
})

test('the command prints its help, and exits with 2 for what it does not understand', () => {
  const run = (...argv: readonly string[]) =>
    spawnSync(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('soak.ts', import.meta.url)), ...argv], {
      encoding: 'utf8',
    })
  const help = run('--help')
  assert.equal(help.status, 0)
  assert.match(help.stdout, /^npm run soak -- .*--hours/)
  const wrong = run('--hours', 'many')
  assert.equal(wrong.status, 2)
  assert.match(wrong.stderr, /--hours must be a number .*, not "many"/)
})
