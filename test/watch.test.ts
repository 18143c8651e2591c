import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TICK_MILLISECONDS } from '../src/clock.ts'
import { DomainCounters } from '../src/counters.ts'
import type { DomainRoutes } from '../src/domain-routes.ts'
import { type Home, Instance, type InstanceOwner, type InstanceStream } from '../src/instance.ts'
import { createLog } from '../src/log.ts'
import { Barriers } from '../src/stream/barriers.ts'
import { Flusher } from '../src/stream/flusher.ts'
import { Outbox } from '../src/stream/outbox.ts'
import { usualPatience, Watch, type WatchParts } from '../src/watch.ts'
import { countsOf, type Node, startNode } from './e2e/node.ts'
import { eventually } from './stub/eventually.ts'
import { attribute, type StubInstance } from './stub/instance.ts'

const yard = (limits: string, extra = ''): string => `
node: yard
listen: [{port: 0}]
domains:
  from.test: {secret: swordfish}
  a.test: {secret: swordfish${extra}}
domain_balancing: {a.test: {type: bare_source, component_number: 2}}
limits: {outbox_bytes: 4096, ${limits}}
drain: {seconds: 0}
log: {level: info}
`
const body = 'x'.repeat(20_000)
const note = (id: number, user = 'u'): string =>
  `<message from='${user}@from.test' to='a.test' id='${id}'><body>${body}</body></message>`

/** Sends until the node says so: more than the kernel, the outbox and the hold of one bucket take together. */
async function sendUntil(node: Node, sender: StubInstance, code: string, user = 'u'): Promise<number> {
  let sent = 0
  let isOver = false
  const over = node.log(code).then(() => {
    isOver = true
  })
  while (!isOver) {
    const flowing = sender.socket.write(note(sent++, user))
    const drained = flowing ? new Promise(setImmediate) : new Promise((resolve) => sender.socket.once('drain', resolve))
    await Promise.race([drained, over])
  }
  return sent
}

async function pair(node: Node): Promise<{ sender: StubInstance; instances: [StubInstance, StubInstance] }> {
  const sender = await node.join('from.test')
  return { sender, instances: [await node.join('a.test'), await node.join('a.test')] }
}

/** The instance that gets the user's stanzas; it has confirmed what it got to find out. */
async function holderOf(node: Node, sender: StubInstance, instances: readonly StubInstance[]): Promise<StubInstance> {
  sender.send("<message from='u@from.test' to='a.test' id='who'/>")
  const holder = await Promise.race(instances.map((instance) => instance.next().then(() => instance)))
  await eventually(() => countsOf(node.gateway, 'a.test').held === 0)
  return holder
}

test('a reader that freezes is stalled: its sender is read again, and goes on with others', async (t) => {
  const node = await startNode(t, yard('stalled_after_seconds: 0.2, close_stalled_after_seconds: 600'))
  const { sender, instances } = await pair(node)
  const frozen = await holderOf(node, sender, instances)
  frozen.freeze()
  const sent = await sendUntil(node, sender, 'instance-stalled')
  const states = node.gateway.view.instances('a.test')!.map(({ state }) => state)
  assert.deepEqual(states.sort(), ['active', 'stalled'])
  // What was on its way when it was paused comes first, then this.
  sender.send("<iq type='get' id='alive' from='from.test' to='switchyard.localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  for (let stanza = await sender.stanza(); attribute(stanza, 'id') !== 'alive'; ) stanza = await sender.stanza()
  frozen.thaw()
  for (let expected = 0; expected < sent; expected++)
    assert.equal(attribute(await frozen.stanza(), 'id'), `${expected}`)
  await node.log('instance-unstalled')
})

test('above the mark and the hold of its domain a stalled reader takes nothing more: the rest is bounced', async (t) => {
  const node = await startNode(
    t,
    yard('stalled_after_seconds: 0.2, close_stalled_after_seconds: 600', ', hold: {bytes: 64KiB}'),
  )
  const { sender, instances } = await pair(node)
  const frozen = await holderOf(node, sender, instances)
  frozen.freeze()
  await sendUntil(node, sender, 'instance-stalled')
  for (let i = 0; i < 20; i++) sender.send(note(1_000_000 + i))
  const bounced = await sender.stanza()
  assert.match(bounced, /<error type='wait'><resource-constraint /)
  const { outboxBytes } = node.gateway.view.instances('a.test')!.find(({ state }) => state === 'stalled')!
  assert.ok(outboxBytes < 512 * 1024, `${outboxBytes}`)
})

test('a reader that stays frozen is closed with connection-timeout, and all that it had not confirmed goes to the next', async (t) => {
  const node = await startNode(t, yard('stalled_after_seconds: 0.1, close_stalled_after_seconds: 0.2'))
  const { sender, instances } = await pair(node)
  const spare = await node.join('a.test')
  const frozen = await holderOf(node, sender, instances)
  frozen.freeze()
  const sent = await sendUntil(node, sender, 'instance-left')
  const left = node.logged.find(({ code }) => code === 'instance-left')
  assert.equal(left?.condition, 'connection-timeout')
  let previous = -1
  let read = 0
  while (read + node.counts('a.test').bounced < sent) {
    const id = Number(attribute(await spare.stanza(), 'id'))
    assert.ok(id > previous, `${id} after ${previous}`)
    previous = id
    read++
  }
  const { received, ended, held, bounced, dropped } = countsOf(node.gateway, 'a.test')
  assert.deepEqual([received, dropped], [ended + held, 0])
  assert.equal(read + bounced, sent, 'nothing is lost, not even what it had been handed')
})

test('a slow reader slows its sender and is not stalled', async (t) => {
  const node = await startNode(t, yard('stalled_after_seconds: 600, close_stalled_after_seconds: 600'))
  const { sender, instances } = await pair(node)
  const slow = await holderOf(node, sender, instances)
  slow.freeze()
  let sent = 0
  while (sender.socket.write(note(sent++)) || sender.socket.writableLength < 2 ** 20) await new Promise(setImmediate)
  assert.ok(node.gateway.view.instances('a.test')!.every(({ outboxBytes }) => outboxBytes < 2 ** 20))
  slow.thaw()
  for (let expected = 0; expected < sent; expected++) assert.equal(attribute(await slow.stanza(), 'id'), `${expected}`)
})

/** A watch over one instance, which has confirmed once. */
function watched() {
  const clock = { now: 0 }
  const outbox = new Outbox(new Flusher(), 1024, 1024)
  outbox.attach({ writableLength: 0, write: () => true, cork: () => {}, uncork: () => {} })
  outbox.confirmBy(new Barriers(clock, 'yard.test', 'a.test'))
  let isClosed = false
  const close = (): void => {
    isClosed = true
  }
  const stream = { outbox, isPaused: false, close } as Partial<InstanceStream>
  const config = { iq_seconds: 60, require_confirmation: false }
  const home = { name: 'a.test', config, counters: new DomainCounters() } as Partial<DomainRoutes>
  const domain = home as DomainRoutes
  const names = { name: 'red', route: 'r' }
  const instance = new Instance({} as InstanceOwner, home as Home, stream as InstanceStream, names, 0)
  instance.state = 'active'
  const watch = new Watch({
    ...{ routes: { domains: new Map() }, clock, patience: usualPatience },
    instances: { all: new Map([[instance, domain]]), sideline: () => {} },
    links: { all: () => [] },
    router: { journaling: { tick() {} } },
    limits: () => ({ stalled_after_seconds: 600, close_stalled_after_seconds: 600 }),
    log: createLog({ level: 'error', node: 'yard' }, { write: () => {} }),
  } as unknown as WatchParts)
  outbox.probe()
  instance.confirm(1)
  return { clock, outbox, instance, watch, isClosed: () => isClosed }
}

/** After so many milliseconds of real time an instance is closed that hangs from `hangs` on, and is sent a stanza then. */
function closedAfter(hangs: number): number {
  const { clock, outbox, watch, isClosed } = watched()
  // A confirmation is asked for 20 ms after what it is about, by a clock that is as old as the last tick.
  let isAsked = false
  for (let time = TICK_MILLISECONDS; !isClosed(); time += TICK_MILLISECONDS) {
    if (!isAsked && time > hangs + 20) {
      isAsked = true
      outbox.probe()
    }
    clock.now = time
    watch.tick()
  }
  return clock.now - hangs
}

test('an instance that hangs is closed in time for all that it had to be with another 15 s after, at whatever time between two ticks', () => {
  // To move to another node took 100 ms on a busy machine.
  const moving = 250
  for (let hangs = 1000; hangs < 1000 + TICK_MILLISECONDS; hangs += 7) {
    const after = closedAfter(hangs)
    assert.ok(after + moving <= 15_000 && after > 14_000, `${after} ms`)
  }
})

test('as long as the node itself has stood still, nobody was silent', () => {
  const { clock, outbox, instance, watch, isClosed } = watched()
  watch.tick()
  outbox.probe()
  const resumed = 60_000
  clock.now = resumed
  watch.tick()
  assert.deepEqual([instance.state, isClosed()], ['active', false])
  while (!isClosed()) {
    clock.now += TICK_MILLISECONDS
    watch.tick()
  }
  assert.equal(clock.now - resumed, usualPatience.hung_seconds * 1000)
})
