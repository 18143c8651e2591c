import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { collectorFlags, Tidying } from '../src/collector.ts'

test('where there are several cores the collector keeps its threads', () => {
  assert.deepEqual(collectorFlags(2), ['--semi-space-growth-factor=1'])
  assert.deepEqual(collectorFlags(64), collectorFlags(2))
})

test('on one core the collector has no threads, by flags that this V8 knows', () => {
  const flags = collectorFlags(1)
  assert.deepEqual(flags, ['--no-concurrent-marking', '--no-parallel-scavenge', ...collectorFlags(2)])
  // Node ends with an error at an option that neither it nor V8 knows.
  assert.equal(execFileSync(process.execPath, [...flags, '-p', '1 + 1'], { encoding: 'utf8' }), '2\n')
})

test('new objects have no more room than twice what they had when the flags were set, whatever lives on', () => {
  const script = `
    const { getHeapSpaceStatistics, setFlagsFromString } = require('node:v8')
    const room = () => getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size
    for (const flag of ${JSON.stringify(collectorFlags(2))}) setFlagsFromString(flag)
    const [before, kept] = [room(), []]
    for (let i = 0; i < 1e6; i++) kept.push({ i })
    // The second half is only there once there has been a collection.
    console.log(room() <= 2 * before ? 'as before' : \`\${before} became \${room()}\`)`
  assert.equal(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }), 'as before\n')
})

test('what a peak leaves behind is collected once it is over, once, and not while the heap still changes or much is to be done', (t) => {
  const MiB = 1024 * 1024
  let used = 20 * MiB
  let inUse = 20 * MiB
  let collected = 0
  let busy = 0.1
  const collect = () => {
    collected++
    used = inUse
  }
  const tidying = new Tidying({ used: () => used, collect, busy: () => busy })
  t.after(() => tidying.end())
  const looks = (...megabytes: readonly number[]): number => {
    for (const each of megabytes) {
      used = each * MiB
      tidying.look()
    }
    return collected
  }
  // Once at first, to know what is in use.
  assert.equal(looks(21), 1)
  assert.equal(looks(30, 25, 40, 45), 1)
  assert.equal(looks(100, 300, 280, 290), 1)
  busy = 0.5
  assert.equal(looks(293), 1)
  busy = 0.1
  assert.equal(looks(293), 2)
  assert.equal(looks(21, 22, 40), 2)
  // What is in use is no garbage, and not collected again and again.
  inUse = 200 * MiB
  assert.equal(looks(205, 206), 3)
  assert.equal(looks(206, 210, 300), 3)
})
