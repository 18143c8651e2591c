import type { CountersView } from '../admin/view.ts'
import type { Tally } from './demo-ledger.ts'

/** What the three who count say at the end, when nothing moves any more. */
export interface Outcome {
  readonly tally: Tally
  /** Requests without an answer. */
  readonly requestsWaiting: number
  /** Most stanzas that were held, or sent and not yet confirmed, at one time. */
  readonly mostHeld: number
  /** The node, about the domain of the instances; and what waits there. */
  readonly node: CountersView
  readonly waitingInNode: number
  /** What the node delivered to the sender. */
  readonly toSender: number
  readonly instances: readonly InstanceCount[]
}

export interface InstanceCount {
  readonly name: string
  /** What this process says that it has read, and what the node says that it gave to its stream. */
  readonly read: number
  readonly delivered: number
}

/** Where the sender, the instances and the node disagree, or something was lost; each in a sentence. Empty: all is well. */
export function faultsOf(outcome: Outcome): readonly string[] {
  const { tally, node, instances, toSender, requestsWaiting } = outcome
  const lost = lostOf(tally)
  const { received, delivered } = node
  const came = received.instance + received.link + received.node + received.self
  const ended = delivered.instances + delivered.gone + delivered.link + delivered.self + node.forwarded
  const accounted = ended + sum(node.bounced) + sum(node.dropped) + outcome.waitingInNode
  // An instance that lives has answered all that it has read: the other answers came from those that died.
  const byTheDead = tally.answered - instances.reduce((total, { read }) => total + read, 0)
  const lostInFlight = node.dropped.filter(({ reason }) => reason === 'lost_in_flight')
  const unansweredByTheDead = delivered.gone + sum(lostInFlight) - byTheDead
  const back = tally.answered + tally.bounced + tally.repeated
  const checks: readonly (readonly [boolean, string])[] = [
    [lost > 0, `${lost} are lost: neither answered, nor bounced, nor in flight to an instance that died`],
    [
      tally.inFlight > unansweredByTheDead,
      `${tally.inFlight} are missing, but the node had given the dead only ${unansweredByTheDead} that they did not answer`,
    ],
    [requestsWaiting > 0, `${requestsWaiting} requests got no answer`],
    [tally.overtaken > 0, `${tally.overtaken} messages came back behind a later one of the same user`],
    [received.instance !== tally.sent, `the node received ${received.instance}, the sender sent ${tally.sent}`],
    [came !== accounted, `the node received ${came} and accounts for ${accounted}`],
    [toSender !== back, `the node delivered ${toSender} to the sender, which got ${back}`],
    ...instances.map(({ name, read, delivered: given }): readonly [boolean, string] => [
      read !== given,
      `the node delivered ${given} to ${name}, which read ${read}`,
    ]),
  ]
  return checks.filter(([isWrong]) => isWrong).map(([, sentence]) => sentence)
}

/** What nobody can explain. */
function lostOf({ waiting, inFlight }: Tally): number {
  return waiting - inFlight
}

/** The summary for people. Ends with a newline. */
export function summaryText(outcome: Outcome): string {
  const { tally, mostHeld } = outcome
  const faults = faultsOf(outcome)
  const rows: readonly (readonly [number, string])[] = [
    [tally.sent, 'sent by the users'],
    [tally.answered, `answered: ${[...tally.byInstance].map(([name, count]) => `${name} ${count}`).join(', ')}`],
    [tally.bounced, `bounced${tally.bounces.size === 0 ? '' : `: ${bounces(tally)}`}`],
    [tally.inFlight, 'in flight when it died: messages on the way to or from the killed instance'],
    [lostOf(tally), 'lost'],
  ]
  const width = String(tally.sent).length
  const lines = rows.map(([count, what]) => `  ${String(count).padStart(width)}  ${what}`)
  const verdict =
    faults.length === 0
      ? ['The sender, the instances and the node agree on every count; no user got an answer out of order.']
      : ['This is not as it should be; please report it:', ...faults.map((fault) => `  ${fault}`)]
  const held = `  at most ${mostHeld} were waiting at a time, most of them for their instance to be back`
  const repeated =
    tally.repeated === 0 ? [] : [`  ${tally.repeated} answers came twice: sent again after the instance died`]
  return `${['', ...lines, held, ...repeated, '', ...verdict].join('\n')}\n`
}

function bounces({ bounces }: Tally): string {
  return [...bounces].map(([condition, count]) => `${count} ${condition}`).join(', ')
}

function sum(counts: readonly { readonly count: number }[]): number {
  return counts.reduce((total, { count }) => total + count, 0)
}
