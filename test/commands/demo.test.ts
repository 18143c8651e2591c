import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runProgram, startProgram } from './program.ts'

/** The number at the beginning of the summary's line. */
function count(out: string, what: string): number {
  const found = new RegExp(`^ +(\\d+) {2}${what}`, 'm').exec(out)
  assert(found !== null, `no line '${what}' in:\n${out}`)
  return Number(found[1])
}

test('an instance dies and comes back, and what was not in flight to it is answered or bounced', async (t) => {
  const { code, out, err } = await runProgram(t, ['demo', '--seconds', '4'])
  assert.equal(err, '')
  for (const what of [
    /green is killed \(SIGKILL to process \d+\)$/m,
    /bucket 1 has no instance: what its users send is held$/m,
    /green is started again$/m,
    /green joined and has bucket 1$/m,
    /[1-9]\d* held stanzas of bucket 1 went to green, in order$/m,
  ]) {
    assert.match(out, what)
  }
  const sent = count(out, 'sent by the users')
  const ends = ['answered', 'bounced', 'in flight when it died'].map((what) => count(out, what))
  assert(sent > 100)
  assert.equal(
    ends.reduce((sum, part) => sum + part, 0),
    sent,
  )
  assert.equal(count(out, 'lost'), 0)
  for (const name of ['red', 'green', 'blue']) assert.match(out, new RegExp(`answered: .*${name} [1-9]`))
  assert.match(out, /agree on every count/)
  assert.equal(code, 0)
})

test('with --keep it goes on until a signal, and then sums up', async (t) => {
  const { child, ended, line } = startProgram(t, 'demo', '--keep', '--seconds', '3')
  await line((text) => text.includes('green joined'))
  await line((text) => text.includes('blue is killed'))
  child.kill('SIGINT')
  const { code, out } = await ended
  assert.equal(count(out, 'lost'), 0)
  assert.equal(code, 0)
})

test('a number of seconds that is none is a usage error', async (t) => {
  assert.equal((await runProgram(t, ['demo', '--seconds', '1'])).code, 2)
})
