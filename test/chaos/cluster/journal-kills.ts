import { setTimeout as delay } from 'node:timers/promises'
import { Ledger } from '../ledger.ts'
import { between, type Random, seeded } from '../random.ts'
import { counts, rows } from '../report.ts'
import { Flow } from './flow.ts'
import type { ClusterNode, Delivery } from './node.ts'
import type { StubLink } from './stub-server.ts'
import { until } from './until.ts'
import { type ClusterVerdict, isOver, judgeCluster } from './verdict.ts'
import { type StubYard, setStubYard, withLogs } from './yard.ts'

export interface JournalKillsOptions {
  readonly nodes: number
  readonly kills: number
  /** Stanzas a second. */
  readonly rate: number
  readonly seed: number
  /** `journal`; another shows what it is for. */
  readonly delivery: Delivery
}

export interface JournalKillsResult {
  readonly kills: number
  readonly delivery: Delivery
  readonly seed: number
  readonly seconds: number
  readonly verdict: ClusterVerdict
  /** Of those that died: how many stanzas their links had been given, and not proven to have read. */
  readonly unproven: number
  readonly logs: string
}

const INSTANCES = 6
const BUCKETS = 4
const USERS = 20
const WINDOW_BYTES = 128 * 1024
const PROVE_EVERY_MS = 15
const SETTLE_MS = 60_000
const QUIET_MICROSECONDS = 2_000_000

/**
 * All stanzas go by the link of one node, which is asked over and over how far it has read. It is killed: at any moment, or
 * at the very one at which it has proven something. The next node that is there is the next to die.
 */
export async function runJournalKills(options: JournalKillsOptions): Promise<JournalKillsResult> {
  const { kills, rate, seed, delivery } = options
  const ledger = new Ledger()
  const random = seeded(seed)
  let onProof: (() => void) | undefined
  let victim: StubLink | undefined
  const yard = await setStubYard({
    ...{ nodes: options.nodes, instances: INSTANCES, buckets: BUCKETS, delivery },
    ...{ windowBytes: WINDOW_BYTES, drainSeconds: 2, ledger },
    proven: (link) => link === victim && onProof?.(),
  })
  const linkOf = () => (victim?.isOpen ? victim : undefined)
  const flow = new Flow({ users: USERS, rate, ledger, linkOf })
  const proving = setInterval(() => victim?.askForProof(), PROVE_EVERY_MS)
  const slowing = slowOne(yard, random)
  const started = performance.now()
  const restarts: Promise<void>[] = []
  try {
    flow.start()
    for (let kill = 0; kill < kills; kill++) {
      const { link, node } = await nextVictim(yard)
      victim = link
      await delay(between(random, 200, 1500))
      if (random() < 0.5) {
        await new Promise<void>((resolve) => {
          onProof = resolve
          setTimeout(resolve, 1000)
        })
        onProof = undefined
      }
      victim = undefined
      await node.kill()
      for (const client of yard.clients) client.lost(node)
      restarts.push(node.start())
    }
    await Promise.all(restarts)
    flow.stop()
    clearInterval(slowing)
    for (const client of yard.clients) client.resume()
    await settle(ledger, delivery)
    const troubles = yard.nodes.flatMap(({ lives }) => lives.flatMap((life) => life.troubles))
    const unproven = yard.server.links.reduce((sum, { crossing }) => sum + crossing.passed - crossing.confirmed, 0)
    return {
      ...{ kills, delivery, seed, seconds: (performance.now() - started) / 1000 },
      ...{ verdict: judgeCluster(ledger, { delivery, troubles }), unproven },
      logs: yard.nodes.map((node) => node.logs()).join('\n'),
    }
  } catch (error) {
    throw withLogs(error, yard.nodes)
  } finally {
    flow.stop()
    clearInterval(proving)
    clearInterval(slowing)
    await yard.stop()
  }
}

/** A link that is up, of a node that is not the only one: it has been so for longest. */
async function nextVictim(yard: StubYard): Promise<{ link: StubLink; node: ClusterNode }> {
  let found: { link: StubLink; node: ClusterNode } | undefined
  await until('two nodes are up, and one has a link', () => {
    found = victimIn(yard)
    return found !== undefined
  })
  return found!
}

function victimIn({ server, nodes }: StubYard): { link: StubLink; node: ClusterNode } | undefined {
  const up = nodes.filter(({ isUp }) => isUp)
  const link = server.open[0]
  const node = up.find(({ life }) => life === link?.crossing.life)
  return link !== undefined && node !== undefined && up.length > 1 ? { link, node } : undefined
}

/** One instance after the other reads nothing for a while, so that there is something that has been read and not delivered. */
function slowOne({ clients }: StubYard, random: Random): NodeJS.Timeout {
  let slow = clients[0]
  return setInterval(() => {
    slow?.resume()
    slow = clients[between(random, 0, clients.length - 1)]
    slow?.pause()
  }, 700)
}

async function settle(ledger: Ledger, delivery: Delivery): Promise<void> {
  const deadline = performance.now() + SETTLE_MS
  while (performance.now() < deadline) {
    if (ledger.quiet > QUIET_MICROSECONDS && isOver(ledger, delivery)) return
    await delay(200)
  }
}

export function journalKillsFaults({ verdict }: JournalKillsResult): readonly string[] {
  const { lost, unanswered, reordered, duplicates } = verdict
  const wrong = Object.entries({
    'confirmed and lost': lost.promised,
    'requests confirmed and unanswered': unanswered.promised,
    reordered,
    'duplicates that nothing explains': duplicates.unexplained,
  })
  return wrong.filter(([, names]) => names.length > 0).map(([what, names]) => `${what}: ${names.length} (${names[0]})`)
}

export function journalKillsTable(result: JournalKillsResult): string {
  const { kills, delivery, seed, seconds, verdict, unproven } = result
  const { lost, unanswered, duplicates } = verdict
  return rows([
    ['kills, delivery, seed', `${kills}, ${delivery}, ${seed} (${Math.round(seconds)} s)`],
    ['stanzas written to links', verdict.reached],
    ['  confirmed', verdict.confirmed],
    ['  not, when they ended', unproven],
    ['delivered', verdict.delivered],
    ['bounced', counts(verdict.bounced)],
    ['confirmed and lost', lost.promised.length],
    ['unconfirmed and lost', `${lost.unproven} (${lost.unprovenButPassed} before a request that was answered)`],
    ['lost with the node', `${lost.withNode} (of at most ${lost.oldestWithNode} ms)`],
    ['confirmed, unanswered', unanswered.promised.length],
    ['unanswered with the node', unanswered.withNode],
    ['reordered per key', verdict.reordered.length],
    ['  between two links', verdict.reorderedAcrossLinks.length],
    ['duplicated', `${duplicates.stanzas} (${counts(duplicates.byEnding)}; at most ${duplicates.farthest} ms after)`],
    ['answered twice', verdict.answeredTwice.aroundFaults + verdict.answeredTwice.outside.length],
  ])
}
