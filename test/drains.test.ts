import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DomainRoutes } from '../src/domain-routes.ts'
import { Drains } from '../src/drains.ts'
import type { Instance } from '../src/instance.ts'
import { createLog } from '../src/log.ts'

/** An instance that owes so many confirmations and answers, with what was done to it, in order. */
function yard(owed: { confirmations: number; answers: number; isTaken?: boolean }) {
  const done: string[] = []
  const clock = { now: 0 }
  const outbox = {
    get stanzas() {
      return owed.confirmations
    },
    passed: async (milliseconds: number) => {
      done.push(`passed in ${milliseconds}`)
      return owed.confirmations === 0
    },
    stopHanding: () => void done.push('stopHanding'),
  }
  const requests = {
    get size() {
      return owed.answers
    },
  }
  const stream = {
    outbox,
    close: (condition: string) => void done.push(`close ${condition}`),
    end: () => void done.push('end'),
  }
  const instance = { name: 'blue', state: 'active', isLeaving: false, requests, stream } as unknown as Instance
  const domain = {
    name: 'a.test',
    pause: () => {
      instance.state = 'draining'
      done.push('pause')
    },
    moving: { remain: () => void done.push('let go') },
    refresh: () => void done.push('refresh'),
    isTaken: () => owed.isTaken === true,
  } as unknown as DomainRoutes
  const all = new Map([[instance, domain]])
  const drains = new Drains({
    roster: () => ({
      all,
      handOver: () => void done.push('handOver'),
      release: () => void done.push('release'),
      rejoin: () => void done.push('rejoin'),
    }),
    unregister: () => void done.push('unregister'),
    log: createLog({ level: 'silent' as 'info', node: 'yard' }, { write: () => {} }),
    now: () => clock.now,
    tick: async () => {
      clock.now += 100
      done.push('tick')
      if (owed.answers > 0 && clock.now >= 200) owed.answers--
    },
  })
  return { done, clock, instance, domain, all, drains }
}

test('a drained instance gets nothing new, confirms, hands its share over, answers, and is closed; in this order', async () => {
  const { drains, domain, instance, done } = yard({ confirmations: 0, answers: 1 })
  await drains.drain(domain, instance, 'reset', 10)
  assert.deepEqual(done, [
    ...['pause', 'passed in 10000', 'handOver', 'release', 'tick', 'tick'],
    ...['passed in 9800', 'close reset'],
  ])
  assert.equal(instance.isLeaving, true, 'its end is no death')
})

test('one that has not confirmed in time keeps its share until its end, which moves it with what is not confirmed', async () => {
  const { drains, domain, instance, done } = yard({ confirmations: 1, answers: 1 })
  await drains.drain(domain, instance, 'reset', 10)
  assert.deepEqual(done, ['pause', 'passed in 10000', 'close reset'])
})

test('one that dies meanwhile is not handed over a second time', async () => {
  const { drains, domain, instance, done, all } = yard({ confirmations: 0, answers: 1 })
  all.clear()
  await drains.drain(domain, instance, 'reset', 10)
  assert.deepEqual(done, ['pause', 'passed in 10000', 'close reset'])
})

test('answers are waited for no longer than the drain may take', async () => {
  const { drains, domain, instance, done } = yard({ confirmations: 0, answers: 1000 })
  await drains.drain(domain, instance, 'reset', 0.5)
  assert.equal(done.filter((what) => what === 'tick').length, 5)
  assert.equal(done.at(-1), 'close reset')
})

test('an instance is drained once, however often that is asked', async () => {
  const { drains, domain, instance, done } = yard({ confirmations: 0, answers: 0 })
  await Promise.all([drains.drain(domain, instance, 'reset', 1), drains.drain(domain, instance, 'reset', 1)])
  assert.equal(done.filter((what) => what.startsWith('close')).length, 1)
})

test('one that says goodbye is written nothing more, answered no more, and waited for', () => {
  const { drains, domain, instance, done } = yard({ confirmations: 5, answers: 0 })
  drains.goodbye(domain, instance)
  assert.deepEqual(done, ['pause', 'unregister', 'stopHanding', 'end'])
  assert.equal(instance.isLeaving, true)
})

test('the node’s drain waits for answers first, then for confirmations, and closes every stream', async () => {
  const { drains, done, clock } = yard({ confirmations: 3, answers: 1 })
  await drains.drainAll('system-shutdown', clock.now + 1000)
  assert.deepEqual(done, ['tick', 'tick', 'passed in 800', 'close system-shutdown'])
})

test('a drain that is ended while it waits for confirmations leaves the instance its place, with what waited there', async () => {
  const { drains, domain, instance, done } = yard({ confirmations: 0, answers: 0 })
  const drained = drains.drain(domain, instance, 'reset', 10)
  assert.equal(drains.cancel(domain, instance), true)
  await drained
  assert.deepEqual(done, ['pause', 'passed in 10000', 'let go', 'refresh', 'release'])
  assert.deepEqual([instance.state, instance.isLeaving], ['joining', false])
  assert.equal(drains.cancel(domain, instance), false)
})

test('a drain that is ended while answers are waited for lets the instance join anew, and does not close it', async () => {
  const { drains, domain, instance, done } = yard({ confirmations: 0, answers: 1 })
  const drained = drains.drain(domain, instance, 'reset', 10)
  while (!done.includes('tick')) await Promise.resolve()
  assert.equal(drains.cancel(domain, instance), true)
  await drained
  assert.equal(done.includes('rejoin'), true)
  assert.deepEqual(
    done.filter((what) => what.startsWith('close')),
    [],
  )
})

test('where another has its name by now, or its stream is being closed, the drain goes on', async () => {
  const { drains, domain, instance, done } = yard({ confirmations: 0, answers: 1, isTaken: true })
  const drained = drains.drain(domain, instance, 'reset', 10)
  while (!done.includes('tick')) await Promise.resolve()
  assert.equal(drains.cancel(domain, instance), false)
  await drained
  assert.deepEqual([done.at(-1), drains.cancel(domain, instance)], ['close reset', false])
})
