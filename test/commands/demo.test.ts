import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
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

/** The processes that the demo says it has started, dead or alive. */
function processes(out: string): readonly number[] {
  return [...out.matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid))
}

/** Killed without a wait, they may take a moment to be gone. */
async function assertGone(out: string): Promise<void> {
  const deadline = performance.now() + 10_000
  const isLeft = (): boolean => isRunning(processes(out)) || answers(out)
  while (isLeft()) {
    assert(performance.now() < deadline, `something is left of:\n${out}`)
    await pause(25)
  }
}

function isRunning(pids: readonly number[]): boolean {
  return pids.some((pid) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  })
}

/** Whether the demo's Redis still answers. */
function answers(out: string): boolean {
  const port = /^Redis .*127\.0\.0\.1:(\d+)/m.exec(out)?.[1]
  assert(port !== undefined, out)
  return spawnSync('redis-cli', ['-p', port, 'ping'], { encoding: 'utf8' }).stdout.includes('PONG')
}

test('of several nodes one is killed, its work is taken over, it is started anew, and nothing is lost', async (t) => {
  const { code, out, err } = await runProgram(t, ['demo', '--nodes', '3', '--seconds', '6'])
  assert.equal(err, '')
  for (const what of [
    /^instances red at yard-1, green at yard-2, blue at yard-3$/m,
    /yard-2 is killed \(SIGKILL to process \d+\)$/m,
    /the users of yard-2 connect to yard-[13], and send \d+ stanzas again$/m,
    /green lost its stream, and connects to yard-[13]; its bucket waits for it$/m,
    /yard-2 has not renewed its lease of 5 s: the others take over its work$/m,
    /green gets its bucket's stanzas again, first those that waited$/m,
    /yard-2 is ready \(process \d+\)$/m,
    /^ +\d+\.\d s {2}until the bucket of green was served again$/m,
    /^Nothing was lost, and no user got an answer out of order\.$/m,
  ]) {
    assert.match(out, what)
  }
  for (const name of ['red', 'green', 'blue']) assert.match(out, new RegExp(`answered: .*${name} [1-9]`))
  assert.equal(count(out, 'answered') + count(out, 'bounced'), count(out, 'sent by the users'))
  assert.equal(count(out, 'lost'), 0)
  for (const line of out.split('\n')) assert(line.length <= 80 || /answered/.test(line), line)
  assert.equal(processes(out).length, 5)
  await assertGone(out)
  assert.equal(code, 0)
})

test('a signal ends several nodes, their Redis and all, once a takeover that has begun is done', async (t) => {
  const { child, ended, line } = startProgram(t, 'demo', '--nodes', '2', '--keep', '--seconds', '5')
  await line((text) => text.includes('yard-2 is killed'))
  child.kill('SIGINT')
  const { code, out } = await ended
  assert.match(out, /yard-2 has not renewed its lease/)
  assert.equal(count(out, 'lost'), 0)
  await assertGone(out)
  assert.equal(code, 0)
})

test('a second signal ends them at once, and leaves nothing behind either', async (t) => {
  const { child, ended, line } = startProgram(t, 'demo', '--nodes', '2')
  await line((text) => text.startsWith('instances'))
  child.kill('SIGTERM')
  child.kill('SIGINT')
  const { out } = await ended
  await assertGone(out)
})

test('several nodes without a Redis server say what to install', () => {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', main, 'demo', '--nodes', '2'], {
    env: { PATH: '/nowhere' },
    encoding: 'utf8',
  })
  assert.match(
    stderr,
    /this machine has no redis-server and no valkey-server in its PATH.*\n.*apt-get install redis-server/,
  )
  assert.equal(status, 1)
})

test('a number of nodes that is none is a usage error', async (t) => {
  const { code, err } = await runProgram(t, ['demo', '--nodes', '6'])
  assert.match(err, /--nodes must be a whole number from 1 to 5, not "6"/)
  assert.equal(code, 2)
})
