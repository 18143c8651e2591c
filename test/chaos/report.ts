import type { CampaignResult } from './campaign.ts'
import { type Duplicates, isViolent, tally } from './verdict.ts'

/** A slab is written whole, so a window may be above its bound by one less a byte. */
const SLAB_BYTES = 64 * 1024

/** What is wrong with a run, one line each; empty when all that is promised was kept. */
export function faultsOf({ verdict, unasked, windowBytes }: CampaignResult): readonly string[] {
  const { lost, reordered, unanswered, duplicates, asked } = verdict
  const wrong = [
    told('lost', lost),
    told('reordered', reordered),
    told('unanswered', unanswered),
    told('instances’ requests unanswered', asked.unanswered),
    told('instances’ requests answered to another, or twice', asked.misdirected),
    told('streams that ended by themselves', unasked),
    told('duplicates without a kill', duplicates.filter(({ of }) => !isViolent(of)).map(duplicatesText)),
    told('kills with more duplicates than a window', tooMany(duplicates, windowBytes).map(duplicatesText)),
  ]
  return wrong.flatMap((line) => line ?? [])
}

function told(what: string, names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : `${what}: ${names.length} (${names.slice(0, 5).join(', ')}, …)`
}

function tooMany(duplicates: readonly Duplicates[], windowBytes: number): readonly Duplicates[] {
  return duplicates.filter(({ bytes }) => bytes > windowBytes + SLAB_BYTES)
}

function duplicatesText({ of, stanzas, bytes }: Duplicates): string {
  return `${stanzas} stanzas, ${bytes} bytes, of ${of.name} (${of.ending})`
}

/** The run as a table to be read. */
export function campaignTable(result: CampaignResult): string {
  const { server, seed, faults, verdict, dropped, unasked } = result
  const { duplicates, asked, bounced } = verdict
  const doubled = duplicates.reduce((sum, { stanzas }) => sum + stanzas, 0)
  const most = duplicates.reduce((most, { stanzas }) => Math.max(most, stanzas), 0)
  const byEnding = tally(duplicates.flatMap(({ of, stanzas }) => Array<string>(stanzas).fill(of.ending)))
  return rows([
    ['server, seed', `${server}, ${seed}`],
    ['faults', counts(faults)],
    ['stanzas sent', verdict.sent],
    ['  refused by the server', verdict.server.bounced],
    ['  lost by the server', verdict.server.lost],
    ['  passed to Switchyard', verdict.reached],
    ['delivered', verdict.delivered],
    ['bounced', counts(bounced)],
    ['lost', verdict.lost.length],
    ['reordered per key', verdict.reordered.length],
    ['unanswered', verdict.unanswered.length],
    ['answered twice', verdict.answeredTwice.length],
    ['duplicated', `${doubled} ${doubled > 0 ? `(${counts(byEnding)}; at most ${most} of one instance)` : ''}`],
    ['dropped and counted', counts(dropped)],
    ['instances asked', asked.sent],
    ['  answered', asked.answered],
    ['  gone before the answer', asked.askerGone],
    ['  lost by the server', asked.lostByServer],
    ['  unanswered', asked.unanswered.length],
    ['  answered to another', asked.misdirected.length],
    ['streams ended unasked', unasked.length],
  ])
}

export function rows(lines: readonly (readonly [string, string | number])[]): string {
  return lines.map(([name, value]) => `${name.padEnd(26)} ${value}`).join('\n')
}

export function counts(byName: Readonly<Record<string, number>>): string {
  const parts = Object.entries(byName).map(([name, count]) => `${name} ${count}`)
  return parts.length === 0 ? '0' : parts.join(', ')
}
