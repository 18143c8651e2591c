import type { Tally } from './demo-ledger.ts'
import type { Takeover } from './demo-takeover.ts'

/** What the users and the nodes say at the end, when nothing moves any more. */
export interface ClusterOutcome {
  readonly tally: Tally
  /** Stanzas that users sent once more, because their node had died. */
  readonly again: number
  readonly takeovers: readonly Takeover[]
  /** What should not have happened, each in a sentence. */
  readonly mishaps: readonly string[]
}

/** What is not as it should be, each in a sentence. Empty: all is well. */
export function clusterFaults({ tally, takeovers, mishaps }: ClusterOutcome): readonly string[] {
  const checks: readonly (readonly [boolean, string])[] = [
    [tally.waiting > 0, `${tally.waiting} are lost: neither answered nor bounced`],
    [tally.overtaken > 0, `${tally.overtaken} messages came back behind a later one of the same user`],
    ...takeovers.map(({ node, reconnected, buried, served }): readonly [boolean, string] => [
      [reconnected, buried, served].includes(undefined),
      `the work of ${node} was not taken over in time`,
    ]),
  ]
  return [...checks.filter(([isWrong]) => isWrong).map(([, sentence]) => sentence), ...mishaps]
}

/** The summary for people, no line wider than 80 columns. Ends with a newline. */
export function clusterSummary(outcome: ClusterOutcome): string {
  const { tally, again, takeovers } = outcome
  const conditions = [...tally.bounces].map(([condition, count]) => `${count} ${condition}`).join(', ')
  const rows: readonly (readonly [number, string])[] = [
    [tally.sent, 'sent by the users'],
    [tally.answered, `answered: ${[...tally.byInstance].map(([name, count]) => `${name} ${count}`).join(', ')}`],
    [tally.bounced, `bounced${conditions === '' ? '' : `: ${conditions}`}`],
    [tally.waiting, 'lost'],
  ]
  const width = String(tally.sent).length
  const lines = rows.map(([count, what]) => `  ${String(count).padStart(width)}  ${what}`)
  const repeated =
    tally.repeated === 0 ? [] : [`  ${tally.repeated} answers came twice: sent again after the node died.`]
  const resent = [
    `  ${again} were sent again by users whose node had died, for want of an answer: what`,
    '  a node has read and not passed on dies with it. (With `delivery: journal` it',
    '  is in Redis before a sender hears that it was read.)',
  ]
  const faults = clusterFaults(outcome)
  const verdict =
    faults.length === 0
      ? ['Nothing was lost, and no user got an answer out of order.']
      : ['This is not as it should be; please report it:', ...faults.map((fault) => `  ${fault}`)]
  return `${['', ...takeovers.flatMap(times), ...lines, ...(again === 0 ? [] : resent), ...repeated, '', ...verdict].join('\n')}\n`
}

function times({ node, instances, reconnected, buried, served, restarted }: Takeover): readonly string[] {
  const who = instances.length === 0 ? 'its users' : `${instances.join(', ')} and its users`
  const answers = `until the bucket of ${instances.join(', ')} was served again`
  return [
    `When ${node} was killed, it took`,
    `  ${secondsText(reconnected)}  until ${who} were connected to other nodes`,
    `  ${secondsText(buried)}  until the others knew that it was dead: its lease is 5 s`,
    ...(instances.length === 0 ? [] : [`  ${secondsText(served)}  ${answers}`]),
    ...(restarted === undefined
      ? []
      : [`  ${secondsText(restarted)}  for the node to be ready when it was started anew`]),
    '',
  ]
}

function secondsText(milliseconds: number | undefined): string {
  return milliseconds === undefined ? 'for ever' : `${(milliseconds / 1000).toFixed(1).padStart(5)} s`
}
