import { type Asked, type Incarnation, isRequest, isSettled, type Ledger, type Sent } from '../ledger.ts'
import { isConfirmed, type Passage, type Trouble } from '../passage.ts'
import { inOrder, isViolent, tally, told } from '../verdict.ts'
import { microseconds, parseName } from '../wire.ts'
import type { Delivery } from './node.ts'

/**
 * What Switchyard owes a stanza that came by a link. `promised`: it must end well. `unproven`: its link ended before the
 * node had proven to have read it, as the tap saw it. `with node`: it was read, is kept in no journal, and the node that
 * read it has died, or been taken for dead, since.
 */
export type Due = 'promised' | 'unproven' | 'with node'

export interface ClusterVerdict {
  readonly sent: number
  readonly server: { readonly bounced: number; readonly lost: number }
  /** What came by a link; all that follows is counted out of this. */
  readonly reached: number
  /** Of these the node that read it has proven that it did, and (`delivery: journal`) that it is in Redis. */
  readonly confirmed: number
  readonly delivered: number
  readonly bounced: Readonly<Record<string, number>>
  readonly lost: Losses
  /** Requests that were delivered, or read, and never answered or bounced. */
  readonly unanswered: Losses
  /** First deliveries that came after a later one of the same key, by the same connection of a link or by another. */
  readonly reordered: readonly string[]
  readonly reorderedAcrossLinks: readonly string[]
  /** The same by where they came from and went to, with what had befallen nodes and Redis shortly before. */
  readonly reorderings: readonly string[]
  readonly duplicates: DuplicatesVerdict
  readonly answeredTwice: { readonly aroundFaults: number; readonly outside: readonly string[] }
  readonly asked: ClusterAskedVerdict
}

export interface Losses {
  /** Of what was promised: none may be. */
  readonly promised: readonly string[]
  /** Unproven, and a later request of the same connection had been answered, if not by the node itself. */
  readonly unprovenButPassed: number
  readonly unproven: number
  readonly withNode: number
  /** The longest that any of those had been with its node when that died, in milliseconds. */
  readonly oldestWithNode: number
}

export interface DuplicatesVerdict {
  readonly stanzas: number
  /** By how the stream ended of the instance that had not confirmed it; `none` for one that did not end. */
  readonly byEnding: Readonly<Record<string, number>>
  /** No instance's end explains it, nor any node's or Redis's trouble shortly before. */
  readonly unexplained: readonly string[]
  /** Between the end of a node's or Redis's trouble and a duplicate that only that explains, at most, in milliseconds. */
  readonly farthest: number
}

export interface ClusterAskedVerdict {
  readonly sent: number
  readonly answered: number
  readonly askerGone: number
  /** It left; no answer came by a link, or only one that was unproven when the link ended. */
  readonly lostOutside: number
  readonly unanswered: readonly string[]
  readonly misdirected: readonly string[]
  readonly answeredTwice: number
}

export interface JudgeOptions {
  readonly delivery: Delivery
  /** Of all nodes and of Redis. */
  readonly troubles: readonly Trouble[]
}

/** So long after a fault is over, what follows from it may still be seen: a lease runs out, an instance is found hung. */
const AFTERMATH_MICROSECONDS = 20_000_000

export function judgeCluster(ledger: Ledger, { delivery, troubles }: JudgeOptions): ClusterVerdict {
  const all = [...ledger.sent.values()]
  const reached = all.filter((sent) => sent.reached)
  const missing = all.filter((sent) => !sent.reached)
  const returned = missing.filter((sent) => sent.returned).length
  const passed = answeredUpTo(reached)
  const losses = (those: readonly Sent[]) => lossesOf(those, delivery, passed)
  const { near, across, reorderings } = reorderedOf(reached, troubles)
  return {
    sent: all.length,
    server: { bounced: returned, lost: missing.length - returned },
    reached: reached.length,
    confirmed: reached.filter(({ passage }) => passage !== undefined && isConfirmed(passage)).length,
    delivered: reached.filter(({ deliveries }) => deliveries.length > 0).length,
    bounced: tally(reached.flatMap(({ answers }) => answers.filter((answer) => answer !== 'result'))),
    lost: losses(reached.filter(({ deliveries, answers }) => deliveries.length === 0 && answers.length === 0)),
    unanswered: losses(reached.filter(({ name, answers }) => isRequest(name) && answers.length === 0)),
    reordered: near,
    reorderedAcrossLinks: across,
    reorderings,
    duplicates: duplicatesOf(reached, troubles),
    answeredTwice: answeredTwiceOf(reached, troubles),
    asked: judgeAsked(ledger),
  }
}

/** Whether all that is promised has come to its end. */
export function isOver(ledger: Ledger, delivery: Delivery): boolean {
  for (const sent of ledger.sent.values()) {
    if (sent.reached && !isSettled(sent) && dueOf(sent.passage, delivery) === 'promised') return false
  }
  return true
}

function dueOf(passage: Passage | undefined, delivery: Delivery): Due {
  if (passage === undefined) return 'promised'
  const { crossing, time } = passage
  if (!isConfirmed(passage)) return crossing.ended === undefined ? 'promised' : 'unproven'
  if (delivery === 'journal') return 'promised'
  return deathOf(crossing.life.troubles, time) === undefined ? 'promised' : 'with node'
}

/** When a node died, or was stopped for long, after `time`; both in microseconds. */
function deathOf(troubles: readonly Trouble[], time: number): number | undefined {
  return troubles.find(({ kind, from, to }) => (kind === 'kill' || kind === 'freeze') && (to ?? from) >= time)?.from
}

function lossesOf(those: readonly Sent[], delivery: Delivery, passed: ReadonlyMap<object, number>): Losses {
  const due = (wanted: Due) => those.filter(({ passage }) => dueOf(passage, delivery) === wanted)
  const [unproven, withNode] = [due('unproven'), due('with node')]
  const ages = withNode.map(({ passage }) => deathOf(passage!.crossing.life.troubles, passage!.time)! - passage!.time)
  return {
    promised: due('promised').map(({ name, passage }) => `${name} by ${placeOf(passage)}`),
    unproven: unproven.length,
    unprovenButPassed: unproven.filter(({ passage }) => passage!.position < (passed.get(passage!.crossing) ?? 0))
      .length,
    withNode: withNode.length,
    oldestWithNode: Math.round(Math.max(0, ...ages) / 1000),
  }
}

export function placeOf(passage: Passage | undefined): string {
  if (passage === undefined) return 'no link'
  const { crossing, position } = passage
  const state = isConfirmed(passage) ? 'proven' : crossing.ended === undefined ? 'open' : 'unproven'
  return `${crossing.life.node}.${crossing.life.number} (${position}, ${state})`
}

/** By connection, the last position of a request that was answered, not bounced. */
function answeredUpTo(reached: readonly Sent[]): ReadonlyMap<object, number> {
  const last = new Map<object, number>()
  for (const { passage, answers } of reached) {
    if (passage === undefined || !answers.includes('result')) continue
    last.set(passage.crossing, Math.max(last.get(passage.crossing) ?? 0, passage.position))
  }
  return last
}

/** Stanzas that were overtaken within so long are of one reordering. */
const REORDERING_MICROSECONDS = 1_000_000

interface Reordering {
  readonly what: string
  readonly from: number
  to: number
  stanzas: number
  readonly keys: Set<string>
}

/** As in a campaign of one node; those of two stanzas that came by different connections apart. */
function reorderedOf(reached: readonly Sent[], troubles: readonly Trouble[]) {
  const firsts = reached
    .filter(({ deliveries, answers }) => deliveries.length > 0 && answers.every((answer) => answer === 'result'))
    .map((sent) => ({ sent, name: sent.name, first: inOrder(sent)[0]!, ...parseName(sent.name) }))
    .sort((a, b) => a.first.time - b.first.time)
  const [near, across]: [string[], string[]] = [[], []]
  const reorderings: Reordering[] = []
  const highest = new Map<string, (typeof firsts)[number]>()
  for (const one of firsts) {
    const before = highest.get(one.key)
    if (before === undefined || before.sequence < one.sequence) {
      highest.set(one.key, one)
      continue
    }
    const isNear = before.sent.passage?.crossing === one.sent.passage?.crossing
    const places = [one, before].map(({ sent }) => placeOf(sent.passage))
    const distance = one.first.time - before.first.time
    ;(isNear ? near : across).push(`${told(one)} ${distance} us after ${told(before)}, by ${places.join(' and ')}`)
    const lives = [one, before].map(({ sent }) => lifeOf(sent.passage)).join(' after ')
    const what = `${isNear ? 'one link' : 'two links'}, ${lives}, to ${one.first.to.name} after ${before.first.to.name}`
    const last = reorderings.findLast((other) => other.what === what)
    if (last !== undefined && one.first.time - last.to < REORDERING_MICROSECONDS) {
      last.to = one.first.time
      last.stanzas++
      last.keys.add(one.key)
    } else {
      reorderings.push({ what, from: one.first.time, to: one.first.time, stanzas: 1, keys: new Set([one.key]) })
    }
  }
  return { near, across, reorderings: reorderings.map((reordering) => reorderingText(reordering, troubles)) }
}

function reorderingText({ what, from, to, stanzas, keys }: Reordering, troubles: readonly Trouble[]): string {
  const recent = troubles.filter((trouble) => trouble.from <= to && (trouble.to ?? to) >= from - AFTERMATH_MICROSECONDS)
  const after = recent.map((trouble) => {
    const ended = trouble.to === undefined ? '' : `..${seconds(trouble.to - from)}`
    return `${trouble.of} ${trouble.kind} ${seconds(trouble.from - from)}${ended}`
  })
  return `${stanzas} of ${keys.size} keys within ${seconds(to - from)} s, ${what}; before: ${after.join(', ')}`
}

function seconds(microseconds: number): string {
  return (microseconds / 1_000_000).toFixed(2)
}

function lifeOf(passage: Passage | undefined): string {
  return passage === undefined ? 'no link' : `${passage.crossing.life.node}.${passage.crossing.life.number}`
}

function duplicatesOf(reached: readonly Sent[], troubles: readonly Trouble[]): DuplicatesVerdict {
  const endings: string[] = []
  const unexplained: string[] = []
  let farthest = 0
  for (const sent of reached.filter(({ deliveries }) => deliveries.length > 1)) {
    const deliveries = inOrder(sent)
    const violent = deliveries.filter(({ to }) => isViolent(to)).map(({ to }) => to)
    deliveries.slice(1).forEach(({ time }, index) => {
      const of: Incarnation | undefined = violent[index]
      endings.push(of?.ending ?? 'none')
      if (of !== undefined) return
      const distance = sinceTrouble(troubles, time)
      if (distance > AFTERMATH_MICROSECONDS) unexplained.push(`${sent.name} by ${placeOf(sent.passage)}`)
      else farthest = Math.max(farthest, distance)
    })
  }
  return { stanzas: endings.length, byEnding: tally(endings), unexplained, farthest: Math.round(farthest / 1000) }
}

/** Microseconds since a trouble of a node or of Redis was over; 0 within one. */
function sinceTrouble(troubles: readonly Trouble[], time: number): number {
  const past = troubles.filter(({ from }) => from <= time)
  return Math.min(...past.map(({ from, to }) => Math.max(0, time - (to ?? from))))
}

function answeredTwiceOf(reached: readonly Sent[], troubles: readonly Trouble[]) {
  const twice = reached.filter(({ answers }) => answers.length > 1)
  const outside = twice.filter(
    ({ answerTimes, deliveries }) =>
      sinceTrouble(troubles, answerTimes[1]!) > AFTERMATH_MICROSECONDS && !deliveries.some(({ to }) => isViolent(to)),
  )
  return { aroundFaults: twice.length - outside.length, outside: outside.map(({ name }) => name) }
}

function judgeAsked(ledger: Ledger): ClusterAskedVerdict {
  const all = [...ledger.asked.values()]
  const open = all.filter(({ answeredTo }) => answeredTo.length === 0)
  const waiting = open.filter(({ by }) => by.ending === 'alive')
  const unanswered = waiting.filter(isOwed)
  return {
    sent: all.length,
    answered: all.length - open.length,
    askerGone: open.length - waiting.length,
    lostOutside: waiting.length - unanswered.length,
    unanswered: unanswered.map(({ name, left, passage }) => `${name} (${left ? placeOf(passage) : 'never left'})`),
    misdirected: all.filter(({ by, answeredTo }) => answeredTo.some((to) => to !== by)).map(({ name }) => name),
    answeredTwice: all.filter(({ answeredTo }) => answeredTo.length > 1).length,
  }
}

/** It has not left Switchyard though its instance lives, or its answer has come to a node that proved to have read it. */
function isOwed({ left, replied, passage }: Asked): boolean {
  if (!left) return true
  return replied && passage !== undefined && (isConfirmed(passage) || passage.crossing.ended === undefined)
}

export function isTroubled(troubles: readonly Trouble[], within: number): boolean {
  const now = microseconds()
  return troubles.some(({ from, to }) => from <= now && now - (to ?? now) < within)
}
