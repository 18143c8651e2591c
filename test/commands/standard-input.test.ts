import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chunksOf, replayed } from '../../src/commands/standard-input.ts'
import { SwitchyardError } from '../../src/errors.ts'
import { temporaryFile } from './program.ts'

const text = 'a line\n'.repeat(30_000)

const whole = (chunks: Iterable<Uint8Array>): string => {
  let all = ''
  for (const chunk of chunks) all += Buffer.from(chunk).toString('latin1')
  return all
}

test('a file is read to its end, in pieces', (t) => {
  const descriptor = openSync(temporaryFile(t, 'input', text), 'r')
  t.after(() => closeSync(descriptor))
  let pieces = 0
  let all = ''
  for (const chunk of chunksOf(descriptor)) {
    pieces++
    all += Buffer.from(chunk).toString('latin1')
  }
  assert.equal(all, text)
  assert(pieces > 1)
})

test('what can be read once is replayed as often as wanted', (t) => {
  const descriptor = openSync(temporaryFile(t, 'input', text), 'r')
  t.after(() => closeSync(descriptor))
  const again = replayed(chunksOf(descriptor))
  assert.deepEqual(
    [whole(again), whole(again), whole(again)].map((all) => all === text),
    [true, true, true],
  )
})

test('the replay leaves no file behind, not even while it lasts', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-test-'))
  const before = process.env.TMPDIR
  process.env.TMPDIR = folder
  t.after(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
    rmSync(folder, { recursive: true })
  })
  const again = replayed([Buffer.from('a')])
  assert.equal(whole(again), 'a')
  assert.deepEqual(readdirSync(folder), [])
})

test('what cannot be read, such as a folder, is bad input', (t) => {
  const descriptor = openSync(tmpdir(), 'r')
  t.after(() => closeSync(descriptor))
  assert.throws(
    () => whole(chunksOf(descriptor)),
    (error) => error instanceof SwitchyardError && error.exitCode === 1 && /EISDIR/.test(error.message),
  )
})
