import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { collectorFlags } from '../src/collector.ts'

test('where there are several cores the collector keeps its threads', () => {
  assert.deepEqual(collectorFlags(2), [])
  assert.deepEqual(collectorFlags(64), [])
})

test('on one core the collector has no threads, by flags that this V8 knows', () => {
  const flags = collectorFlags(1)
  assert.deepEqual(flags, ['--no-concurrent-marking', '--no-parallel-scavenge'])
  // Node ends with an error at an option that neither it nor V8 knows.
  assert.equal(execFileSync(process.execPath, [...flags, '-p', '1 + 1'], { encoding: 'utf8' }), '2\n')
})
