import assert from 'node:assert/strict'
import { test } from 'node:test'
import { joinInstance } from '../../src/cluster/instance-wishes.ts'
import { Membership } from '../../src/cluster/membership.ts'
import { MemoryServer } from '../../src/cluster/memory-server.ts'
import { MemoryStore } from '../../src/cluster/memory-store.ts'
import { TABLE_FORM } from '../../src/cluster/records.ts'
import { Scheduler } from './simulation-scheduler.ts'

const names = ['A', 'B', 'C']

test('over the store in memory, whose answers are late or lost and which forgets: three nodes agree in the end', async () => {
  for (let seed = 1; seed <= 15; seed++) await agreeInTheEnd(seed)
})

async function agreeInTheEnd(seed: number): Promise<void> {
  const scheduler = new Scheduler(seed)
  const later = (milliseconds: number, callback: () => void): (() => void) => {
    let isWanted = true
    scheduler.after(milliseconds, callback, () => isWanted)
    return () => {
      isWanted = false
    }
  }
  const server = new MemoryServer({
    now: () => scheduler.now,
    later: (run, milliseconds) => later(milliseconds, run),
  })
  let isTroubled = true
  let lives = 0
  const slots: Membership[] = []
  const start = (slot: number): void => {
    const store = new MemoryStore(server)
    store.delay = () => scheduler.between(0, isTroubled && scheduler.chance(0.02) ? 1000 : 5)
    store.fate = () => {
      if (!isTroubled || scheduler.chance(0.97)) return 'done'
      return scheduler.pick(['refused', 'lost', 'unheard'] as const) ?? 'done'
    }
    const name = names[slot] ?? ''
    const incarnation = `${name}${++lives}`
    const membership = new Membership({
      ...{ store, incarnation, now: () => scheduler.now, timers: { after: later } },
      facts: { name, version: '1', form: TABLE_FORM, since: 0, configs: {} },
      events: {
        changed: () => undefined,
        lost: () => scheduler.after(10, () => start(slot)),
        reach: () => undefined,
      },
    })
    slots[slot] = membership
    const record = { node: incarnation, route: incarnation, since: 0 }
    const ask = (): void => {
      membership.propose((draft) => joinInstance(draft, 'd', name, record, { count: 2 })).catch(() => undefined)
    }
    membership.join().then(ask, () => {
      membership.stop()
      scheduler.after(500, () => start(slot))
    })
  }
  names.forEach((_, slot) => {
    start(slot)
  })
  scheduler.after(15_000, () => server.forget())
  await scheduler.runUntil(30_000, () => undefined)
  isTroubled = false
  await scheduler.runUntil(50_000, () => undefined)
  for (const { table, isHeld } of slots) {
    assert.ok(isHeld, `seed ${seed}`)
    assert.deepEqual(table.fields, server.fields, `seed ${seed}`)
  }
  const [first] = slots
  assert.deepEqual([...(first?.table.names.keys() ?? [])].sort(), names)
  assert.equal(first?.table.domain('d')?.instances.size, 3, `seed ${seed}`)
  for (const membership of slots) membership.stop()
}
