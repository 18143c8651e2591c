import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ECHO, LOAD } from '../contenders/contenders.ts'
import { connectComponent } from '../load/component.ts'
import { Keyed, userIn, waitFor } from './keyed.ts'
import { BEYOND, BRIDGE, BUCKETS, type NodeName, type Stage } from './stage.ts'

/** What went wrong, what came back, and how long that may take. */
export interface Measured {
  readonly subject: string
  readonly barMs: number
}

/** One fault: on a stage of its own; says for each of its measures how many milliseconds it took. */
export interface Fault {
  readonly name: string
  readonly measures: readonly Measured[]
  readonly run: (stage: Stage) => Promise<readonly number[]>
}

/** Between two messages of the affected key. */
const EVERY_MS = 2
const SETTLE_MS = 500
const WITHIN_MS = 90_000
const OUTAGE_MS = 12_000
const SERVER_GONE_MS = 5000

export const faults: readonly Fault[] = [
  {
    name: 'instance killed',
    measures: [{ subject: 'instance killed: its bucket is taken over by a spare on another node', barMs: 100 }],
    run: async (stage) => {
      const { keyed, holder } = await buckets(stage, 'b')
      const since = performance.now()
      holder.destroy()
      return [(await keyed.firstAt('spare', since, WITHIN_MS)) - since]
    },
  },
  {
    name: 'instance hung',
    measures: [{ subject: 'instance hung: its bucket is taken over by a spare on another node', barMs: 15_000 }],
    run: async (stage) => {
      const { keyed, holder } = await buckets(stage, 'b')
      const since = performance.now()
      holder.pause()
      return [(await keyed.firstAt('spare', since, WITHIN_MS)) - since]
    },
  },
  nodeFault('node killed', 7000, (stage) => stage.nodes.b.kill()),
  {
    name: 'node hung',
    // Nothing of its link: as long as its sockets are open the server takes it for alive, and admits no other.
    measures: [{ subject: 'node hung (SIGSTOP): its bucket is taken over by a spare on another node', barMs: 7000 }],
    run: async (stage) => {
      const { keyed } = await buckets(stage, 'b')
      const since = performance.now()
      stage.nodes.b.pause()
      return [(await keyed.firstAt('spare', since, WITHIN_MS)) - since]
    },
  },
  {
    name: 'Redis restarted empty',
    measures: [
      { subject: 'Redis restarted empty: all nodes and instances are registered anew', barMs: 3000 },
      { subject: 'Redis restarted empty: stanzas cross again', barMs: 3000 },
    ],
    run: async (stage) => {
      const { keyed } = await buckets(stage, 'b')
      await stage.redis.kill()
      await stage.redis.start()
      const since = performance.now()
      const registered = stage.table.has(3, 4, WITHIN_MS).then(() => performance.now())
      const times = await Promise.all([registered, keyed.allAt(keyed.next + 1, WITHIN_MS)])
      return times.map((time) => time - since)
    },
  },
  localFault(
    'Redis down',
    ({ redis }) => redis.kill(),
    ({ redis }) => redis.start(),
  ),
  localFault(
    'Redis hung (SIGSTOP)',
    async ({ redis }) => redis.pause(),
    async ({ redis }) => redis.resume(),
  ),
  {
    name: 'XMPP server restarted',
    measures: [{ subject: 'XMPP server back after 5 s: the first stanza over the new link', barMs: 60_000 }],
    run: async (stage) => {
      const { keyed } = await link(stage)
      await stage.xmpp.kill()
      await sleep(SERVER_GONE_MS)
      await stage.xmpp.start()
      const since = performance.now()
      keyed.receivedBy('anew', await beyond(stage), BEYOND)
      return [(await keyed.firstAt('anew', since, WITHIN_MS)) - since]
    },
  },
]

/** The node that has the buckets' holders and the link is gone: its work is taken over by the others. */
function nodeFault(name: string, barMs: number, strike: (stage: Stage) => Promise<void>): Fault {
  return {
    name,
    measures: [
      { subject: `${name}: its bucket is taken over by a spare on another node`, barMs },
      { subject: `${name}: all that had been sent to it has been delivered`, barMs },
      { subject: `${name}: its link is taken over`, barMs },
    ],
    run: async (stage) => {
      const { keyed } = await buckets(stage, 'b')
      const { keyed: linked } = await link(stage)
      const since = performance.now()
      await strike(stage)
      const moved = async () => {
        const first = await keyed.firstAt('spare', since, WITHIN_MS)
        return [first, await keyed.allAt(keyed.next, WITHIN_MS)]
      }
      // What was under way through the old link may arrive yet: what counts is the first that was sent after the fault.
      const times = await Promise.all([moved(), linked.allAt(linked.next + 1, WITHIN_MS)])
      return times.flat().map((time) => time - since)
    },
  }
}

/** Sender and receiver at one node: they must not feel that Redis is gone, before and beyond the end of all leases. */
function localFault(
  name: string,
  strike: (stage: Stage) => Promise<void>,
  mend: (stage: Stage) => Promise<void>,
): Fault {
  return {
    name,
    measures: [
      { subject: `${name} for 12 s: longest gap of what stays on one node`, barMs: 100 },
      { subject: `the same before it`, barMs: 100 },
    ],
    run: async (stage) => {
      const { keyed } = await buckets(stage, 'a')
      const before = performance.now()
      await sleep(OUTAGE_MS / 4)
      const since = performance.now()
      await strike(stage)
      await sleep(OUTAGE_MS)
      const until = performance.now()
      await mend(stage)
      await keyed.allAt(keyed.next, WITHIN_MS)
      return [keyed.longestGap(since, until), keyed.longestGap(before, since)]
    },
  }
}

/** A sender at `a`, the holders of both buckets where told, a spare at `c`; messages of the first bucket's key flow. */
async function buckets(stage: Stage, holdersAt: NodeName): Promise<{ readonly keyed: Keyed; readonly holder: Socket }> {
  const sender = await stage.connect('a', LOAD)
  sender.resume()
  const keyed = new Keyed(sender, userIn(LOAD, 0, BUCKETS), ECHO)
  const join = async (node: NodeName, name: string, instances: number) => {
    const socket = await stage.connect(node, ECHO)
    keyed.receivedBy(name, socket, ECHO)
    await stage.table.has(3, instances, WITHIN_MS)
    return socket
  }
  const holder = await join(holdersAt, 'holder', 2)
  await join(holdersAt, 'other', 3)
  await join('c', 'spare', 4)
  keyed.start(EVERY_MS)
  await keyed.firstAt('holder', 0, WITHIN_MS)
  await sleep(SETTLE_MS)
  return { keyed, holder }
}

/** An instance at `a` that sends to a component beyond the server, through the link that is at `b`. */
async function link(stage: Stage): Promise<{ readonly keyed: Keyed }> {
  // Who needs a link first has it.
  const first = await stage.connect('b', BRIDGE)
  first.resume()
  await stage.table.linkIsAt('b', BRIDGE, WITHIN_MS)
  const instance = await stage.connect('a', BRIDGE)
  instance.resume()
  const keyed = new Keyed(instance, `user@${BRIDGE}/resource`, BEYOND)
  keyed.receivedBy('beyond', await beyond(stage), BEYOND)
  keyed.start(EVERY_MS)
  await keyed.firstAt('beyond', 0, WITHIN_MS)
  await sleep(SETTLE_MS)
  return { keyed }
}

/** A component of the server's own; the server may not let it in at once. */
function beyond({ xmpp }: Stage): Promise<Socket> {
  const dial = () => connectComponent({ port: xmpp.componentPort, domain: BEYOND }).catch(() => undefined)
  return waitFor(`component ${BEYOND} at the server`, dial, WITHIN_MS)
}
