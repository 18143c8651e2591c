import type { Tally } from './demo-ledger.ts'
import { clockText, type Drawing } from './demo-screen.ts'

/** One instance of the cluster demo as it is now. */
export interface ClusterRow {
  readonly name: string
  /** Where it is connected; undefined: nowhere. */
  readonly node: string | undefined
  readonly bucket: number
  readonly read: number
  readonly rate: number
}

export interface ClusterFrame {
  readonly seconds: number
  /** `of 20 s`. */
  readonly end: string
  /** By name: what becomes of it, in a word. */
  readonly nodes: ReadonlyMap<string, string>
  readonly rows: readonly ClusterRow[]
  readonly tally: Tally
}

const BAR = 20

export function drawing(frame: ClusterFrame): Drawing {
  return { line: () => line(frame), table: () => table(frame) }
}

/** As wide as a terminal, with three nodes. */
function line({ seconds, rows, tally }: ClusterFrame): string {
  const rates = rows.map(({ name, node, rate }) => `${name}@${node?.replace('yard-', '') ?? '-'} ${rate}/s`.padEnd(13))
  return `${clockText(seconds)} ${rates.join(' ')} sent ${tally.sent}  unanswered ${tally.waiting}`
}

function table({ seconds, end, nodes, rows, tally }: ClusterFrame): readonly string[] {
  const fastest = Math.max(1, ...rows.map(({ rate }) => rate))
  const drawn = rows.map(({ name, node, bucket, read, rate }) => {
    const cells = [name.padEnd(10), (node ?? 'nowhere').padEnd(9), String(bucket).padStart(6), String(read).padStart(9)]
    return `  ${cells.join('')}${String(rate).padStart(10)}  ${'#'.repeat(Math.round((rate / fastest) * BAR))}`
  })
  const states = [...nodes].map(([name, state]) => `${name} ${state}`)
  return [
    '',
    `  ${states.join('   ')}   (${seconds.toFixed(1)} s${end})`,
    '  instance  at       bucket  stanzas  a second',
    ...drawn,
    `  sent ${tally.sent}   answered ${tally.answered}   bounced ${tally.bounced}   unanswered ${tally.waiting}`,
  ]
}
