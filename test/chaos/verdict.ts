import { type Delivery, type Incarnation, isRequest, type Ledger, type Sent } from './ledger.ts'
import { parseName } from './wire.ts'

export interface Verdict {
  readonly sent: number
  /** What the XMPP server passed to Switchyard: all that follows is counted out of this. */
  readonly reached: number
  readonly delivered: number
  /** By condition. */
  readonly bounced: Readonly<Record<string, number>>
  readonly lost: readonly string[]
  /** First deliveries of a key that came after a later one of it. */
  readonly reordered: readonly string[]
  readonly unanswered: readonly string[]
  /** Requests with more answers than one: asked of two instances, or bounced though one had answered. */
  readonly answeredTwice: readonly string[]
  /** Deliveries beyond the first, by who got the stanza without confirming it. */
  readonly duplicates: readonly Duplicates[]
  readonly server: ServerLosses
  readonly asked: AskedVerdict
}

export interface Duplicates {
  readonly of: Incarnation
  readonly stanzas: number
  readonly bytes: number
}

/** What the XMPP server, or the kernel on its side, lost or refused when it was restarted. */
export interface ServerLosses {
  readonly bounced: number
  readonly lost: number
}

/** The instances' own requests. */
export interface AskedVerdict {
  readonly sent: number
  readonly answered: number
  /** The instance was gone before its answer came. */
  readonly askerGone: number
  /** It left, and the server (or whoever it was for) gave no answer. */
  readonly lostByServer: number
  readonly unanswered: readonly string[]
  /** Answered to another instance than the one that asked, or twice. */
  readonly misdirected: readonly string[]
}

/** @param ordered whether stanzas of that key are promised to come in order: those of a random domain are not */
export function judge(ledger: Ledger, ordered: (key: string) => boolean): Verdict {
  const all = [...ledger.sent.values()]
  const reached = all.filter((sent) => sent.reached)
  const names = (those: readonly Sent[]) => those.map(({ name }) => name)
  const missing = all.filter((sent) => !sent.reached)
  const returned = missing.filter((sent) => sent.returned).length
  return {
    sent: all.length,
    reached: reached.length,
    delivered: reached.filter(({ deliveries }) => deliveries.length > 0).length,
    bounced: tally(reached.flatMap(({ answers }) => answers.filter((answer) => answer !== 'result'))),
    lost: names(reached.filter(({ deliveries, answers }) => deliveries.length === 0 && answers.length === 0)),
    reordered: reorderedOf(reached, ordered),
    unanswered: names(reached.filter(({ name, answers }) => isRequest(name) && answers.length === 0)),
    answeredTwice: names(reached.filter(({ answers }) => answers.length > 1)),
    duplicates: duplicatesOf(reached),
    server: { bounced: returned, lost: missing.length - returned },
    asked: judgeAsked(ledger),
  }
}

/** Only these leave anything that may come twice. */
export function isViolent({ ending }: Incarnation): boolean {
  return ending === 'kill' || ending === 'stop' || ending === 'reset' || ending === 'node'
}

/**
 * Each as `NAME to WHOM after NAME to WHOM`. What was bounced came to its end with that: an instance that was stopped may
 * still read it when it goes on, long after its stream was closed.
 */
function reorderedOf(reached: readonly Sent[], ordered: (key: string) => boolean): readonly string[] {
  const firsts = reached
    .filter(({ name, deliveries }) => deliveries.length > 0 && ordered(parseName(name).key))
    .filter(({ answers }) => answers.every((answer) => answer === 'result'))
    .map((sent) => ({ name: sent.name, first: inOrder(sent)[0]!, ...parseName(sent.name) }))
    .sort((a, b) => a.first.time - b.first.time)
  const highest = new Map<string, (typeof firsts)[number]>()
  return firsts.flatMap((one) => {
    const before = highest.get(one.key)
    if (before === undefined || before.sequence < one.sequence) highest.set(one.key, one)
    if (before === undefined || before.sequence < one.sequence) return []
    return [`${told(one)} ${one.first.time - before.first.time} us after ${told(before)}`]
  })
}

export function told({ name, first }: { readonly name: string; readonly first: Delivery }): string {
  return `${name} to ${first.to.name} (${first.to.ending})`
}

/** Each delivery but the last is laid to the instance that got it: it had not confirmed it. */
export function duplicatesOf(reached: readonly Sent[]): readonly Duplicates[] {
  const counts = new Map<Incarnation, { stanzas: number; bytes: number }>()
  for (const sent of reached.filter(({ deliveries }) => deliveries.length > 1)) {
    for (const of of culprits(inOrder(sent))) {
      const count = counts.get(of) ?? { stanzas: 0, bytes: 0 }
      count.stanzas++
      count.bytes += sent.bytes
      counts.set(of, count)
    }
  }
  return [...counts].map(([of, count]) => ({ of, ...count }))
}

/** One that was stopped may read what it had been written after its successor did: so those who died come first. */
function culprits(deliveries: readonly Delivery[]): readonly Incarnation[] {
  const all = deliveries.map(({ to }) => to)
  return [...all.filter(isViolent), ...all.filter((to) => !isViolent(to))].slice(0, -1)
}

export function inOrder({ deliveries }: Sent): readonly Delivery[] {
  return [...deliveries].sort((a, b) => a.time - b.time)
}

function judgeAsked(ledger: Ledger): AskedVerdict {
  const all = [...ledger.asked.values()]
  const open = all.filter(({ answeredTo }) => answeredTo.length === 0)
  const waiting = open.filter(({ by }) => by.ending === 'alive')
  const unanswered = waiting.filter(({ left, replied }) => replied || !left)
  const strays = all.filter(({ by, answeredTo }) => answeredTo.length > 1 || answeredTo.some((to) => to !== by))
  return {
    sent: all.length,
    answered: all.length - open.length,
    askerGone: open.length - waiting.length,
    lostByServer: waiting.length - unanswered.length,
    unanswered: unanswered.map(({ name }) => name),
    misdirected: strays.map(({ name }) => name),
  }
}

export function tally(words: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
