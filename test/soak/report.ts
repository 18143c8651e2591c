import { counts, rows } from '../chaos/report.ts'
import { gapOf, type Sample } from './samples.ts'
import { faultsOf, isLongEnough, type SoakResult, slopesOf } from './verdict.ts'

/** A soak as Markdown: what was done, what was seen of each node, and what is wrong. */
export function soakReport(result: SoakResult): string {
  const { tally, asked, samples } = result
  const wrong = faultsOf(result)
  const accounts = samples.flatMap((sample) => sample.accounts)
  const overall = rows([
    ['began', result.began],
    ['traffic', `${(result.seconds / 60).toFixed(1)} minutes at ${result.rate} stanzas/s`],
    ['nodes, seed', `${result.nodes}, ${result.seed}`],
    ['faults', counts(result.faults)],
    ['sent', tally.sent],
    ['delivered', tally.delivered],
    ['requests answered', tally.answered],
    ['bounced', counts(tally.bounced)],
    ['lost', tally.lost],
    ['out of order', tally.reordered],
    ['came twice', tally.duplicates],
    ['answers lost with a link', `${tally.excused} (the link was reset while they were on their way)`],
    ['without an answer', tally.unanswered - tally.excused],
    [
      'instances asked',
      `${asked.sent}: ${asked.answered} answered, ${asked.askerGone} gone before, ${asked.excused} lost with a link`,
    ],
    [
      'counters',
      `${accounts.length} looks at a domain, ${accounts.filter((one) => gapOf(one) !== 0).length} that do not add up`,
    ],
    ['memory after the warm-up', isLongEnough(result) ? 'judged' : 'not judged: too short'],
  ])
  const verdict = wrong.length === 0 ? 'ok' : `WRONG\n${wrong.join('\n')}`
  return `\`\`\`\n${overall}\n\`\`\`\n\n${nodesTable(result)}\n\n${verdict}\n`
}

function nodesTable(result: SoakResult): string {
  const head = [
    '| node | resident memory, MB: warm, end, most | slope, MB/h (± standard error) | descriptors: before, after, most | event-loop delay, ms: p99 (median look), most |',
    '|---|---|---|---|---|',
  ]
  const lines = slopesOf(result).map(({ node, perHour, error, samples }) => {
    const all = result.samples.filter((sample) => sample.node === node)
    const steady = all.slice(-samples)
    const resident = `${megabytes(steady[0])}, ${megabytes(steady.at(-1))}, ${megabytes(most(steady))}`
    const { before, after } = result.descriptors[node] ?? { before: 0, after: 0 }
    const descriptors = `${before}, ${after}, ${Math.max(...all.map((sample) => sample.descriptors))}`
    const p99 = all.map(({ delayP99 }) => delayP99).toSorted((a, b) => a - b)[all.length >>> 1] ?? 0
    const delay = `${p99.toFixed(1)}, ${Math.max(...all.map(({ delayMost }) => delayMost)).toFixed(0)}`
    return `| ${node} | ${resident} | ${perHour.toFixed(2)} ± ${error.toFixed(2)} (${samples} looks) | ${descriptors} | ${delay} |`
  })
  return [...head, ...lines].join('\n')
}

function most(samples: readonly Sample[]): Sample | undefined {
  return samples.toSorted((a, b) => b.resident - a.resident)[0]
}

function megabytes(sample: Sample | undefined): string {
  return ((sample?.resident ?? 0) / 1e6).toFixed(1)
}
