import { setTimeout as delay } from 'node:timers/promises'
import { Slot } from './instances.ts'
import { Ledger } from './ledger.ts'
import { seeded } from './random.ts'
import { counts, rows } from './report.ts'
import { settle } from './settle.ts'
import { type ServerName, setStage } from './stage.ts'
import { Traffic } from './traffic.ts'
import { judge, type Verdict } from './verdict.ts'

export interface DrainsOptions {
  readonly server: ServerName
  readonly drains: number
  /** Stanzas a second. */
  readonly rate: number
  readonly seed: number
}

export interface DrainsResult {
  readonly server: ServerName
  readonly drains: number
  readonly verdict: Verdict
  /** Drains asked for at the admin port; the others by the instance's own `</stream:stream>`. */
  readonly byAdmin: number
  readonly seconds: number
}

const DOMAIN = 'buckets.localhost'
const INSTANCES = 4
const WINDOW_BYTES = 1024 * 1024
/** With this many instances in there is always somebody to take the bucket. */
const LEAST = 2

/** Drains instances one after the other, under load; each comes back as a new one. Every fourth ends its stream itself. */
export async function runDrains({ server, drains, rate, seed }: DrainsOptions): Promise<DrainsResult> {
  const ledger = new Ledger()
  const domains = [{ name: DOMAIN, balancing: { type: 'bare_source', component_number: INSTANCES - 1 } }]
  const stage = await setStage({ server, domains, windowBytes: WINDOW_BYTES }, ledger)
  const slots = Array.from(
    { length: INSTANCES },
    (_, index) =>
      new Slot({
        ...{ name: `${index}-raw`, domain: DOMAIN, library: 'raw', port: stage.yard.port },
        ...{ askEvery: 0, ledger },
      }),
  )
  const random = seeded(seed)
  const traffic = new Traffic({ port: stage.usersPort, domains: [DOMAIN], users: 100, rate, random, ledger })
  try {
    await Promise.all([traffic.connect(), ...slots.map((slot) => slot.start())])
    traffic.start()
    const started = performance.now()
    let byAdmin = 0
    for (let count = 0; count < drains; count++) {
      const slot = await nextSlot(slots, count)
      slot.end('drain', 0)
      if (count % 4 !== 3 && (await stage.yard.drain(DOMAIN, slot.port))) byAdmin++
      else slot.close()
    }
    const seconds = (performance.now() - started) / 1000
    traffic.pause()
    await settle(ledger)
    return { server, drains, verdict: judge(ledger, () => true), byAdmin, seconds }
  } finally {
    traffic.stop()
    await Promise.all(slots.map((slot) => slot.stop()))
    await stage.stop()
  }
}

/** The next one in turn, once it is in and enough others are. */
async function nextSlot(slots: readonly Slot[], count: number): Promise<Slot> {
  const slot = slots[count % slots.length]!
  const isIn = ({ current }: Slot) => current !== undefined
  while (!isIn(slot) || slots.filter(isIn).length <= LEAST) await delay(5)
  return slot
}

/**
 * What is wrong: nothing may be lost, doubled, overtaken or left unanswered. A request may be bounced: an instance that has
 * ended its stream itself can answer no more.
 */
export function drainsFaults({ verdict }: DrainsResult): readonly string[] {
  const doubled = verdict.duplicates.reduce((sum, { stanzas }) => sum + stanzas, 0)
  const { lost, reordered, unanswered, answeredTwice } = verdict
  const wrong = Object.entries({
    lost: lost.length,
    duplicated: doubled,
    reordered: reordered.length,
    unanswered: unanswered.length,
    'answered twice': answeredTwice.length,
  })
  return wrong.filter(([, count]) => count > 0).map(([what, count]) => `${what}: ${count}`)
}

export function drainsTable({ server, drains, verdict, byAdmin, seconds }: DrainsResult): string {
  const { reached, lost, duplicates, reordered, unanswered, answeredTwice, bounced } = verdict
  return rows([
    ['drains', `${drains} behind ${server}, ${byAdmin} by the admin route, ${drains - byAdmin} by </stream:stream>`],
    ['seconds', seconds.toFixed(1)],
    ['stanzas', `${reached} (${Math.round(reached / seconds)} a second)`],
    ['lost', lost.length],
    ['duplicated', duplicates.reduce((sum, { stanzas }) => sum + stanzas, 0)],
    ['reordered per key', reordered.length],
    ['unanswered', unanswered.length],
    ['answered twice', answeredTwice.length],
    ['bounced', counts(bounced)],
  ])
}
