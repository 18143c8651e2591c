import { type Account, gapOf, type Sample } from './samples.ts'
import type { AskedTotals, TallyTotals } from './tally.ts'

/** Everything that a soak has seen. */
export interface SoakResult {
  readonly seed: number
  readonly nodes: number
  readonly rate: number
  /** When it began, in ISO 8601, and for how long there was traffic. */
  readonly began: string
  readonly seconds: number
  /** Before that much time nothing is said of memory. */
  readonly warmUpSeconds: number
  /** Faults that happened, by kind. */
  readonly faults: Readonly<Record<string, number>>
  /** Faults after which something did not come back in time, and ends that nobody had asked for. */
  readonly troubles: readonly string[]
  readonly tally: TallyTotals
  readonly asked: AskedTotals
  readonly samples: readonly Sample[]
  /** By node: open descriptors before the traffic and after it, with the same instances in. */
  readonly descriptors: Readonly<Record<string, { readonly before: number; readonly after: number }>>
  /** By node: what /metrics say in the end, when nothing moves. */
  readonly accounts: Readonly<Record<string, readonly Account[]>>
}

export interface Slope {
  readonly node: string
  /** Megabytes (10^6 bytes) an hour, least squares. */
  readonly perHour: number
  /** What the slope may be off by, as its standard error. */
  readonly error: number
  readonly samples: number
}

export const MOST_MEGABYTES_AN_HOUR = 1
/** Over less than that, what collections do to memory is more than any leak that is looked for. */
export const LEAST_STEADY_SECONDS = 1800
/** A socket or two that a fault of the last minute has not closed yet. */
const SPARE_DESCRIPTORS = 2

/** What is wrong, one line each; empty when everything was as it should be. */
export function faultsOf(result: SoakResult): readonly string[] {
  const { tally, asked } = result
  const unanswered = tally.unanswered - tally.excused
  const wrong: readonly (string | false)[] = [
    tally.sent === 0 && 'nothing was sent',
    tally.lost > 0 && `lost: ${tally.lost} (${tally.examples.join(', ')})`,
    unanswered > 0 && `requests without an answer: ${unanswered} (${tally.examples.join(', ')})`,
    tally.reordered > 0 && `out of order: ${tally.reordered} (${tally.examples.join(', ')})`,
    asked.unanswered > 0 && `instances' requests without an answer: ${asked.unanswered}`,
    asked.misdirected > 0 && `instances' requests answered to another, or twice: ${asked.misdirected}`,
    ...result.troubles,
    ...result.samples.flatMap(({ node, at, accounts }) =>
      accounts
        .filter((account) => gapOf(account) !== 0)
        .map((account) => gapText(`${node} at ${at.toFixed(0)} s`, account)),
    ),
    ...Object.entries(result.accounts).flatMap(([node, accounts]) =>
      accounts.flatMap((account) => [
        gapOf(account) !== 0 && gapText(`${node} in the end`, account),
        account.held !== 0 && `${node} still keeps ${account.held} stanzas of ${account.domain}`,
      ]),
    ),
    ...Object.entries(result.descriptors).map(
      ([node, { before, after }]) =>
        after > before + SPARE_DESCRIPTORS && `${node} has ${after} descriptors open, and began with ${before}`,
    ),
    ...slopesOf(result).map(
      ({ node, perHour }) =>
        isLongEnough(result) &&
        perHour >= MOST_MEGABYTES_AN_HOUR &&
        `${node} grows by ${perHour.toFixed(2)} MB an hour; less than ${MOST_MEGABYTES_AN_HOUR} is promised`,
    ),
  ]
  return wrong.filter((line) => line !== false)
}

/** Whether it went on for long enough to say something of memory. */
export function isLongEnough({ seconds, warmUpSeconds }: SoakResult): boolean {
  return seconds - warmUpSeconds >= LEAST_STEADY_SECONDS
}

/** How resident memory moved after the warm-up, by node. */
export function slopesOf({ samples, warmUpSeconds }: SoakResult): readonly Slope[] {
  const steady = samples.filter(({ at }) => at >= warmUpSeconds)
  return [...new Set(steady.map(({ node }) => node))].map((node) => {
    const ofNode = steady.filter((sample) => sample.node === node)
    const line = leastSquares(ofNode.map(({ at, resident }) => [at / 3600, resident / 1e6]))
    return { node, perHour: line.slope, error: line.error, samples: ofNode.length }
  })
}

/** The straight line that fits best; `error` is the slope's standard error. 0 where there are fewer than three points. */
export function leastSquares(points: readonly (readonly [x: number, y: number])[]): {
  readonly slope: number
  readonly error: number
} {
  const count = points.length
  if (count < 3) return { slope: 0, error: 0 }
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / count
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / count
  const squares = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / squares
  const residue = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { slope, error: Math.sqrt(residue / (count - 2) / squares) }
}

function gapText(where: string, account: Account): string {
  const { domain, received, delivered, forwarded, bounced, dropped, held } = account
  const parts = `delivered ${delivered}, forwarded ${forwarded}, bounced ${bounced}, dropped ${dropped}, held ${held}`
  return `${where}: the counters of ${domain} do not add up by ${gapOf(account)}: received ${received}, ${parts}`
}
