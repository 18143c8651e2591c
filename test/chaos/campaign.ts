import { setTimeout as delay } from 'node:timers/promises'
import { type Fault, type FaultKind, scheduleOf } from './faults.ts'
import { type Library, Slot } from './instances.ts'
import { Ledger } from './ledger.ts'
import { seeded } from './random.ts'
import { settle } from './settle.ts'
import { type ServerName, type Stage, setStage } from './stage.ts'
import { Traffic } from './traffic.ts'
import { judge, type Verdict } from './verdict.ts'
import type { YardDomain } from './yard.ts'

export interface CampaignOptions {
  readonly server: ServerName
  readonly seconds: number
  readonly seed: number
  /** Stanzas a second. */
  readonly rate: number
  /** Between two faults, in milliseconds, on the average. */
  readonly every: number
}

export interface CampaignResult {
  readonly server: ServerName
  readonly seed: number
  /** Faults that happened, by kind. */
  readonly faults: Readonly<Record<string, number>>
  readonly verdict: Verdict
  /** What Switchyard says that it dropped, by reason. */
  readonly dropped: Readonly<Record<string, number>>
  /** Instances whose stream ended though no fault had touched them. */
  readonly unasked: readonly string[]
  /** Bytes of a window: what an instance may at most have been written without confirming it. */
  readonly windowBytes: number
  /** Of the node, for whoever looks for a cause. */
  readonly logs: string
}

/** The third domain's stanzas go anywhere, each by itself: they are promised no order. */
const domains: readonly YardDomain[] = [
  { name: 'buckets.localhost', balancing: { type: 'bare_source', component_number: 3 } },
  { name: 'ring.localhost', balancing: { type: 'bare_source' } },
  { name: 'any.localhost', balancing: { type: 'random' } },
]
const UNORDERED = '2.'

/** One more for the buckets than there are: a spare. */
const cast: readonly { readonly domain: number; readonly library: Library }[] = [
  { domain: 0, library: 'raw' },
  { domain: 0, library: 'slixmpp' },
  { domain: 0, library: 'stock' },
  { domain: 0, library: 'raw' },
  { domain: 1, library: 'slixmpp' },
  { domain: 1, library: 'stock' },
  { domain: 1, library: 'raw' },
  { domain: 2, library: 'raw' },
  { domain: 2, library: 'stock' },
]

const USERS = 40
const ASK_EVERY_MS = 200
const WINDOW_BYTES = 128 * 1024
/** Runs traffic and faults against one server, and judges what became of every stanza. */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const { server, seconds, seed, rate, every } = options
  const ledger = new Ledger()
  const stage = await setStage({ server, domains, windowBytes: WINDOW_BYTES }, ledger)
  const slots = cast.map(
    ({ domain, library }, index) =>
      new Slot({
        ...{ name: `${index}-${library}`, domain: domains[domain]!.name, library, port: stage.yard.port },
        ...{ askEvery: ASK_EVERY_MS, ledger },
      }),
  )
  const traffic = new Traffic({
    ...{ port: stage.usersPort, domains: domains.map(({ name }) => name), users: USERS },
    ...{ rate, random: seeded(seed + 1), ledger },
  })
  const hasServer = stage.server !== undefined
  const faults = scheduleOf({ seconds, slots: slots.length, random: seeded(seed), every, hasServer })
  try {
    await Promise.all([traffic.connect(), ...slots.map((slot) => slot.start())])
    traffic.start()
    const happened = await strike(faults, slots, stage, seconds * 1000)
    traffic.pause()
    for (const slot of slots) slot.hush()
    await settle(ledger)
    const dropped = await stage.yard.dropped()
    const verdict = judge(ledger, (key) => !key.startsWith(UNORDERED))
    const unasked = slots.flatMap((slot) => slot.unasked)
    return {
      server,
      seed,
      faults: happened,
      verdict,
      dropped,
      unasked,
      windowBytes: WINDOW_BYTES,
      logs: stage.yard.logs(),
    }
  } finally {
    traffic.stop()
    await Promise.all(slots.map((slot) => slot.stop()))
    await stage.stop()
  }
}

/** Lets the faults happen, each at its time, and resolves at the end of the run with how many did. */
async function strike(
  faults: readonly Fault[],
  slots: readonly Slot[],
  stage: Stage,
  milliseconds: number,
): Promise<Readonly<Record<string, number>>> {
  const started = performance.now()
  const counts: Partial<Record<FaultKind | 'skipped', number>> = {}
  const ends: Promise<unknown>[] = []
  for (const fault of faults) {
    await delay(Math.max(0, started + fault.at - performance.now()))
    const slot = slots[fault.slot]
    // Its instance is ending or starting: the fault finds nobody.
    const what = slot !== undefined && slot.current === undefined ? 'skipped' : fault.kind
    counts[what] = (counts[what] ?? 0) + 1
    if (what === 'restart') ends.push(stage.server?.restart() ?? Promise.resolve())
    else if (slot !== undefined && what !== 'skipped') ends.push(hit(slot, fault, stage))
  }
  await delay(Math.max(0, started + milliseconds - performance.now()))
  await Promise.all(ends)
  return counts
}

async function hit(slot: Slot, { kind, lasts, restartAfter }: Fault, { yard }: Stage): Promise<void> {
  switch (kind) {
    case 'pause':
      slot.pause()
      await delay(lasts)
      return slot.resume()
    case 'hang':
      slot.end('stop', restartAfter)
      await delay(lasts)
      return slot.resume()
    case 'drain': {
      const { port } = slot
      slot.end('drain', restartAfter)
      if (!(await yard.drain(slot.options.domain, port))) slot.close()
      return
    }
    case 'kill':
    case 'reset':
    case 'close':
      return slot.end(kind, restartAfter)
    case 'restart':
  }
}
