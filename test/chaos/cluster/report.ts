import { counts, rows } from '../report.ts'
import type { ClusterCampaignResult } from './campaign.ts'
import type { Losses } from './verdict.ts'

/** Of which each is told. */
const MOST_REORDERINGS = 40

/** What is wrong with a run, one line each; empty when all that is promised was kept. */
export function clusterFaultsOf({ server, verdict, unasked, inconsistent }: ClusterCampaignResult): readonly string[] {
  const { lost, unanswered, reordered, reorderedAcrossLinks, duplicates, answeredTwice, asked } = verdict
  const wrong: Readonly<Record<string, readonly string[]>> = {
    lost: lost.promised,
    unanswered: unanswered.promised,
    reordered,
    // A server with several links has an order of its own for each.
    'reordered between links': server === 'prosody' ? reorderedAcrossLinks : [],
    'duplicates that no fault explains': duplicates.unexplained,
    'answered twice without a fault': answeredTwice.outside,
    'instances’ requests unanswered': asked.unanswered,
    'instances’ requests answered to another': asked.misdirected,
    'streams and nodes that ended by themselves': unasked,
    'the tables differ at the end': inconsistent,
  }
  const found = Object.entries(wrong).flatMap(([what, names]) =>
    names.length === 0 ? [] : [`${what}: ${names.length} (${names.slice(0, 5).join(', ')}, …)`],
  )
  const isReordered = found.some((line) => line.startsWith('reordered'))
  return isReordered ? [...found, ...verdict.reorderings.slice(0, MOST_REORDERINGS)] : found
}

/** The run as a table to be read. */
export function clusterTable(result: ClusterCampaignResult): string {
  const { server, nodes, delivery, seed, faults, verdict, dropped, unasked, inconsistent } = result
  const { duplicates, asked, answeredTwice } = verdict
  return rows([
    ['server, nodes, delivery', `${server}, ${nodes}, ${delivery}`],
    ['seed', seed],
    ['faults', counts(faults)],
    ['stanzas sent', verdict.sent],
    ['  refused by the server', verdict.server.bounced],
    ['  lost by the server', verdict.server.lost],
    ['  written to a link', verdict.reached],
    ['  proven to be read', verdict.confirmed],
    ['delivered', verdict.delivered],
    ['bounced', counts(verdict.bounced)],
    ...lossRows('lost', verdict.lost),
    ...lossRows('unanswered', verdict.unanswered),
    ['reordered per key', verdict.reordered.length],
    ['  between two links', verdict.reorderedAcrossLinks.length],
    ['duplicated', `${duplicates.stanzas} (${counts(duplicates.byEnding)})`],
    ['  farthest from a fault', `${duplicates.farthest} ms`],
    ['answered twice', `${answeredTwice.aroundFaults} around faults, ${answeredTwice.outside.length} else`],
    ['dropped and counted', counts(dropped)],
    ['instances asked', asked.sent],
    ['  answered', asked.answered],
    ['  gone before the answer', asked.askerGone],
    ['  lost on a link', asked.lostOutside],
    ['  unanswered', asked.unanswered.length],
    ['  answered twice', asked.answeredTwice],
    ['  answered to another', asked.misdirected.length],
    ['ended unasked', unasked.length],
    ['tables that differ', inconsistent.length],
  ])
}

function lossRows(name: string, losses: Losses): readonly (readonly [string, string | number])[] {
  const { promised, unproven, unprovenButPassed, withNode, oldestWithNode } = losses
  return [
    [name, promised.length],
    ['  not proven to be read', `${unproven} (${unprovenButPassed} before a request that was answered)`],
    ['  with the node', `${withNode} (of at most ${oldestWithNode} ms)`],
  ]
}
