import type { Setting } from '../balancing/chooser.ts'
import { Comparer, type Simulation, Simulator } from '../balancing/simulate.ts'
import type { Normalise, Traffic } from '../balancing/traffic.ts'
import type { Config } from '../config/config.ts'
import { normaliseDomain } from '../config/names.ts'
import type { SampleOptions, TuningAccess } from './admin/tuning-routes.ts'
import type { PreviewBody, PreviewView, SampleView, SharesView } from './admin/tuning-views.ts'
import type { Refusal } from './admin/view.ts'
import { wantedOf } from './assignment.ts'
import type { TaskAnswer, TaskName } from './cluster/task-text.ts'
import type { TaskNode, TaskResult } from './cluster/tasks.ts'
import type { DomainRoutes } from './domain-routes.ts'
import { keyText } from './key.ts'
import { isItem } from './recorded-sample.ts'
import type { Routes } from './routes.ts'
import type { SamplePart, Sampler } from './sampler.ts'
import { pairOf } from './sampling.ts'
import { proposedFor, settingOf } from './setting.ts'
import { type Skipped, trafficOf } from './traffic.ts'

/** As `Tasks` does it. */
interface Asking {
  readonly everybody: readonly TaskNode[]
  readonly isUp: boolean
  ask(
    what: TaskName,
    value: unknown,
    among: readonly TaskNode[],
    seconds: number,
    signal: AbortSignal,
  ): Promise<TaskResult>
}

export interface TuningParts {
  readonly routes: Routes
  readonly sampler: Sampler
  readonly tasks: Asking
  readonly me: () => TaskNode
  readonly limits: () => Config['limits']
  /** Milliseconds: since 1970, and of a monotonic clock. */
  readonly now: () => number
  readonly preciseNow: () => number
}

/** Stanzas that are thought about in one turn of the event loop: those that come meanwhile are not to wait. */
const AT_ONCE = 200
/** How much longer than a sample takes other nodes may take to answer, in seconds. */
const ASKING_SECONDS = 30
const turn = (): Promise<void> => new Promise(setImmediate)

type Item = SampleView['items'][number]

/** What is worked out for whoever wants to change a domain's balancing. Nothing is changed. */
export class Tuning implements TuningAccess {
  readonly #parts: TuningParts

  constructor(parts: TuningParts) {
    this.#parts = parts
  }

  /** This node looks itself; the others are asked, and what they have seen is put together. */
  async sample(name: string, options: SampleOptions, signal: AbortSignal): Promise<SampleView | undefined> {
    const { routes, sampler, me, now, preciseNow } = this.#parts
    const domain = routes.domains.get(normaliseDomain(name) ?? '')
    if (domain === undefined) return undefined
    const begun = preciseNow()
    const since = new Date(now()).toISOString()
    const failing = new AbortController()
    const over = AbortSignal.any([signal, failing.signal])
    const looking = [sampler.take(domain.name, options, over), this.#askOthers(domain.name, options, over)] as const
    const [own, { answers, silent }] = await Promise.all(looking).catch((error: unknown) => {
      // Nobody waits for the other any more.
      failing.abort()
      throw error
    })
    const parts = new Map<string, SamplePart>([[me().name, own]])
    const failed: string[] = []
    for (const [node, answer] of answers) {
      const part = partOf(answer)
      if (part === undefined) failed.push(node)
      else parts.set(node, part)
    }
    const all = [...parts.values()]
    return {
      ...{ format: 1, domain: domain.name, since, seconds: Math.round(preciseNow() - begun) / 1000 },
      ...{ nodes: [...parts.keys()], silent: [...silent, ...failed] },
      stanzas: all.reduce((sum, { stanzas }) => sum + stanzas, 0),
      kept: all.reduce((sum, { kept }) => sum + kept, 0),
      items: merged(all),
    }
  }

  /** What the other nodes have seen; while they cannot be asked, they are silent. */
  async #askOthers(domain: string, options: SampleOptions, signal: AbortSignal): Promise<TaskResult> {
    const { tasks, me } = this.#parts
    const others = tasks.everybody.filter(({ incarnation }) => incarnation !== me().incarnation)
    if (others.length === 0 || !tasks.isUp) return { answers: new Map(), silent: others.map(({ name }) => name) }
    return tasks.ask('sample', { domain, ...options }, others, options.seconds + ASKING_SECONDS, signal)
  }

  async preview(name: string, body: PreviewBody, signal: AbortSignal): Promise<PreviewView | Refusal | undefined> {
    const { routes, limits } = this.#parts
    const domain = routes.domains.get(normaliseDomain(name) ?? '')
    if (domain === undefined) return undefined
    const refusal = refusalOf(domain, body)
    if (refusal !== undefined) return { problem: refusal }
    const { seconds, input } = body
    const sample =
      seconds === undefined ? body.sample : await this.sample(domain.name, { seconds, hashed: false }, signal)
    const skipped: Skipped = { elsewhere: 0, replies: 0, malformed: 0, lone: 0 }
    const options = { domain: domain.name, limits: limits(), complain: () => {} }
    const traffic: Iterable<Traffic> = sample?.items ?? trafficOf([Buffer.from(input ?? '')], options, skipped)
    const before = settingOf(domain)
    const after = proposedFor(domain, body.balancing ?? undefined, body.bare_domain ?? domain.config.bare_domain)
    // Ours is in normal form already.
    const normalise: Normalise = (jid, hash) => (seconds !== undefined && hash === 'murmur3' ? jid : keyText(jid, hash))
    const now = new Simulator(before, { normalise })
    const proposed = new Simulator(after, { normalise })
    const move = new Comparer(before, after, normalise)
    let done = 0
    for (const stanza of traffic) {
      now.add(stanza)
      proposed.add(stanza)
      move.add(stanza)
      if (++done % AT_ONCE === 0) await turn()
      if (signal.aborted) break
    }
    const { lone: _, ...left } = skipped
    return {
      domain: domain.name,
      sample: sample === undefined ? null : headOf(sample),
      skipped: left,
      now: sharesView(before, now.result()),
      proposed: sharesView(after, proposed.result()),
      move: rounded(move.result()),
    }
  }
}

/** What a node of whatever release has answered; undefined where it has no sample. */
function partOf(answer: TaskAnswer): SamplePart | undefined {
  const value: unknown = 'value' in answer ? answer.value : undefined
  if (typeof value !== 'object' || value === null) return undefined
  const { stanzas, kept, items }: Readonly<Record<string, unknown>> = { ...value }
  if (typeof stanzas !== 'number' || typeof kept !== 'number' || !Array.isArray(items)) return undefined
  return { stanzas, kept, items: items.filter(isItem) }
}

/** What several nodes have seen, heaviest first. */
function merged(parts: readonly SamplePart[]): Item[] {
  const items = new Map<string, Item>()
  for (const part of parts) {
    for (const item of part.items) {
      const name = 'from' in item ? pairOf(item.from, item.to) : `${Object.values(item.hashes)} ${item.hasLocal}`
      const weight = (items.get(name)?.weight ?? 0) + item.weight
      items.set(name, { ...item, weight })
    }
  }
  const all = [...items.values()].map((item) => ({ ...item, weight: thousandths(item.weight) }))
  return all.sort((one, other) => other.weight - one.weight)
}

function refusalOf({ name, config }: DomainRoutes, body: PreviewBody): string | undefined {
  const given = (['seconds', 'sample', 'input'] as const).filter((key) => body[key] !== undefined)
  if (given.length !== 1) return `one of seconds, sample and input is needed, not ${given.join(' and ') || 'none'}`
  if (body.sample !== undefined && body.sample.domain !== name) return `the sample is of ${body.sample.domain}`
  const count = body.balancing?.component_number
  for (const [instance, bucket] of wantedOf(config)) {
    if (count !== undefined && bucket >= count)
      return `component_number: ${instance} has bucket ${bucket}, so there must be more than ${count}`
  }
  return undefined
}

function headOf({ items, ...head }: SampleView): NonNullable<PreviewView['sample']> {
  return { ...head, hashed: items.some((item) => 'hashes' in item) }
}

function sharesView({ policy }: Setting, result: Simulation): SharesView {
  const { weight, unassigned, imbalance, peak, shares, hottest } = result
  const type = 'keying' in policy ? policy.keying.usual.criterion : policy.kind === 'random' ? 'random' : null
  return {
    ...{ type, component_number: ('count' in policy ? policy.count : undefined) ?? null },
    ...rounded({ weight, unassigned, imbalance, peak }),
    shares: shares.map(({ bucket, instance, weight, share }) => ({
      ...{ bucket: bucket ?? null, instance: instance ?? null },
      ...rounded({ weight, share }),
    })),
    hottest: hottest.map(({ key, weight, error, share, bucket, instance }) => ({
      ...{ key, ...rounded({ weight, error, share }) },
      ...{ bucket: bucket ?? null, instance: instance ?? null },
    })),
  }
}

/** Of a sample that was drawn, sums have endless fractions. */
function rounded<T extends object>(numbers: T): T {
  const entries = Object.entries(numbers).map(([name, value]) => [
    name,
    typeof value === 'number' ? short(value) : value,
  ])
  return Object.fromEntries(entries) as T
}

const thousandths = (value: number): number => Math.round(value * 1000) / 1000
/** Shares are to be told apart, too. */
const short = (value: number): number => (value < 10 ? Math.round(value * 1e6) / 1e6 : thousandths(value))
