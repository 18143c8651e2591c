import { setTimeout as delay } from 'node:timers/promises'
import { Ledger, type Sent } from '../ledger.ts'
import { rows } from '../report.ts'
import { inOrder } from '../verdict.ts'
import { parseName } from '../wire.ts'
import { Flow } from './flow.ts'
import type { StubLink } from './stub-server.ts'
import { until } from './until.ts'
import { judgeCluster, placeOf } from './verdict.ts'
import { type StubYard, setStubYard, withLogs } from './yard.ts'

export interface RollingOptions {
  readonly nodes: number
  readonly instances: number
  /** Stanzas a second. */
  readonly rate: number
}

export interface RollingResult {
  readonly stanzas: number
  readonly seconds: number
  readonly lost: number
  readonly unanswered: number
  readonly duplicated: number
  readonly reordered: number
  readonly reorderedAcrossLinks: number
  readonly bounced: Readonly<Record<string, number>>
  readonly someOfThem: readonly string[]
  /** Milliseconds between two deliveries of one key, at most; and between two stanzas that were sent of one key. */
  readonly longestPause: number
  readonly longestSilence: number
  /** Milliseconds from when a stanza was sent until it came, at most, and 99 in 100. */
  readonly longestDelay: number
  readonly delay99: number
  /** This process's own longest standstill, in milliseconds. */
  readonly ownPause: number
  /** How long each node took to go, and to be back with its link up, in milliseconds. */
  readonly stops: readonly number[]
  readonly starts: readonly number[]
  /** Links that ended without a goodbye. */
  readonly rude: number
  readonly logs: string
}

const USERS = 100
const BUCKETS = 4
const WINDOW_BYTES = 1024 * 1024
const DRAIN_SECONDS = 5
/** Before the first restart, between two, and after the last: everything runs as usual. */
const CALM_MS = 3000
const QUIET_MICROSECONDS = 1_500_000
const SETTLE_MS = 30_000

/** One node after the other is told to go, under load, and started anew. */
export async function runRolling({ nodes, instances, rate }: RollingOptions): Promise<RollingResult> {
  const ledger = new Ledger()
  const yard = await setStubYard({
    ...{ nodes, instances, buckets: BUCKETS, delivery: 'at_least_once' },
    ...{ windowBytes: WINDOW_BYTES, drainSeconds: DRAIN_SECONDS, ledger },
  })
  const links = new Map<number, StubLink>()
  const linkOf = (user: number) => stick(links, yard, user)
  const flow = new Flow({ users: USERS, rate, ledger, linkOf })
  try {
    await linked(yard)
    const started = performance.now()
    flow.start()
    await delay(CALM_MS)
    const stops: number[] = []
    const starts: number[] = []
    for (const node of yard.nodes) {
      stops.push(await node.stop())
      const begun = performance.now()
      await node.start()
      await linked(yard)
      starts.push(performance.now() - begun)
      await delay(CALM_MS)
    }
    flow.stop()
    const seconds = (performance.now() - started) / 1000
    await settle(ledger)
    return { ...judgeRolling(ledger, flow, yard), stops, starts, seconds }
  } catch (error) {
    throw withLogs(error, yard.nodes)
  } finally {
    flow.stop()
    await yard.stop()
  }
}

function linked({ server, nodes }: StubYard): Promise<void> {
  return until('every node has a link', () => server.open.length === nodes.length)
}

/** A key stays with its link for as long as that takes stanzas: so its server keeps its order. */
function stick(links: Map<number, StubLink>, { server }: StubYard, user: number): StubLink | undefined {
  const link = links.get(user)
  if (link?.isOpen) return link
  const { open } = server
  const next = open[user % Math.max(1, open.length)]
  if (next !== undefined) links.set(user, next)
  return next
}

function judgeRolling(ledger: Ledger, flow: Flow, { server, nodes }: StubYard) {
  // Whatever a link was written before its node said goodbye is owed, and nothing befell anybody.
  const verdict = judgeCluster(ledger, { delivery: 'at_least_once', troubles: [] })
  const { unanswered, duplicates, bounced, reordered, reorderedAcrossLinks } = verdict
  const all = [...ledger.sent.values()]
  const gone = all.filter(({ deliveries, answers }) => deliveries.length === 0 && answers.length === 0)
  const delays = all.filter(({ deliveries }) => deliveries.length > 0).map(delayOf)
  delays.sort((a, b) => a - b)
  return {
    stanzas: all.length,
    lost: gone.length,
    unanswered: unanswered.promised.length + unanswered.unproven + unanswered.withNode,
    duplicated: duplicates.stanzas,
    ...{ reordered: reordered.length, reorderedAcrossLinks: reorderedAcrossLinks.length, bounced },
    someOfThem: [
      ...gone.map(({ name, passage }) => `lost: ${name} by ${placeOf(passage)}`).slice(0, 3),
      ...reordered,
      ...reorderedAcrossLinks,
      ...duplicates.unexplained,
    ].slice(0, 10),
    longestPause: Math.round(longestPause(all) / 1000),
    longestSilence: Math.round(flow.longestSilence / 1000),
    longestDelay: Math.round((delays.at(-1) ?? 0) / 1000),
    delay99: Math.round((delays[Math.floor(delays.length * 0.99)] ?? 0) / 1000),
    ownPause: Math.round(flow.longestTick),
    rude: server.links.filter(({ crossing, hasSaidGoodbye }) => crossing.ended !== undefined && !hasSaidGoodbye).length,
    logs: nodes.map((node) => node.logs()).join('\n'),
  }
}

function delayOf(sent: Sent): number {
  return inOrder(sent)[0]!.time - sent.passage!.time
}

/** The longest time between two deliveries of one key, in microseconds. */
function longestPause(all: readonly Sent[]): number {
  const times = new Map<string, number[]>()
  for (const { name, deliveries } of all) {
    const { key } = parseName(name)
    const list = times.get(key) ?? []
    times.set(key, list)
    for (const { time } of deliveries) list.push(time)
  }
  let longest = 0
  for (const list of times.values()) {
    list.sort((a, b) => a - b)
    for (let at = 1; at < list.length; at++) longest = Math.max(longest, list[at]! - list[at - 1]!)
  }
  return longest
}

async function settle(ledger: Ledger): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  while (performance.now() < deadline && (ledger.outstanding > 0 || ledger.quiet < QUIET_MICROSECONDS)) {
    await delay(100)
  }
}

const MOST_PAUSE_MS = 1000

export function rollingFaults(result: RollingResult): readonly string[] {
  const { lost, unanswered, duplicated, reordered, rude, longestPause } = result
  const counts = Object.entries({ lost, unanswered, duplicated, reordered, 'links without a goodbye': rude })
  const wrong = counts.filter(([, count]) => count > 0).map(([what, count]) => `${what}: ${count}`)
  if (longestPause >= MOST_PAUSE_MS) wrong.push(`longest pause of a key: ${longestPause} ms`)
  if (wrong.length > 0) wrong.push(...result.someOfThem)
  return wrong
}

export function rollingTable(result: RollingResult): string {
  const { stanzas, seconds, bounced } = result
  return rows([
    ['stanzas', `${stanzas} (${Math.round(stanzas / seconds)} a second)`],
    ['lost', result.lost],
    ['duplicated', result.duplicated],
    ['unanswered', result.unanswered],
    ['reordered per key', result.reordered],
    ['  between two links', result.reorderedAcrossLinks],
    [
      'bounced',
      Object.entries(bounced)
        .map(([name, count]) => `${name} ${count}`)
        .join(', ') || 0,
    ],
    ['longest pause of a key', `${result.longestPause} ms (sent with at most ${result.longestSilence} ms between)`],
    ['longest delay', `${result.longestDelay} ms (99 in 100: ${result.delay99} ms)`],
    ['  own standstill', `${result.ownPause} ms`],
    ['nodes took to go', `${result.stops.map(Math.round).join(', ')} ms`],
    ['  and to be back', `${result.starts.map(Math.round).join(', ')} ms`],
  ])
}
