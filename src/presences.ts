import { type Head, Kind, Type } from './xmpp/head.ts'

/** More than this many presences of one domain are not remembered. */
export const MOST_PRESENCES = 100_000

/** An available presence that an instance has sent on behalf of one of the domain's addresses. */
interface Asserted {
  /** As the attributes stand between their quotes. */
  readonly from: string
  readonly to: string
  /** Who sent it last; undefined once that instance is gone. */
  owner: object | undefined
  /** When its owner was found gone, in the clock's milliseconds. */
  orphanedAt: number
}

/**
 * The last directed presence of each pair (from, to) that a domain's instances have sent: nobody else remembers it
 * (RFC 6121 §4.6 is about users). When the instance that sent it is gone and no other says it anew in time,
 * `unavailable` has to be sent on its behalf, or its contacts stay green for ever.
 */
export class Presences {
  readonly #byPair = new Map<string, Asserted>()
  /** In the order in which they were orphaned. */
  readonly #orphans = new Map<string, Asserted>()

  get size(): number {
    return this.#byPair.size
  }

  /** Notes the presence in `head`, which `owner` sends. Any other stanza is not looked at. */
  note(head: Head, owner: object): void {
    if (head.kind !== Kind.presence || head.toStart < 0) return
    if (head.type !== Type.none && head.type !== Type.unavailable) return
    const from = head.text(head.fromStart, head.fromEnd) ?? ''
    const to = head.text(head.toStart, head.toEnd) ?? ''
    const pair = `${from}\n${to}`
    const known = this.#byPair.get(pair)
    if (known?.owner === undefined) this.#orphans.delete(pair)
    if (head.type === Type.unavailable) this.#byPair.delete(pair)
    else if (known !== undefined) known.owner = owner
    else if (this.#byPair.size < MOST_PRESENCES) this.#byPair.set(pair, { from, to, owner, orphanedAt: 0 })
  }

  /** An instance is gone: what it asserted waits for another to say so too. */
  orphan(owner: object, now: number): void {
    for (const [pair, asserted] of this.#byPair) {
      if (asserted.owner !== owner) continue
      asserted.owner = undefined
      asserted.orphanedAt = now
      this.#orphans.set(pair, asserted)
    }
  }

  /** Forgets, and returns, the presences that were orphaned before `time`. */
  *takeOrphansOlderThan(time: number): IterableIterator<{ readonly from: string; readonly to: string }> {
    for (const [pair, asserted] of this.#orphans) {
      if (asserted.orphanedAt >= time) return
      this.#orphans.delete(pair)
      this.#byPair.delete(pair)
      yield asserted
    }
  }
}

/** The presence that ends one: it is what the instance would have sent (RFC 6121 §4.5). */
export function unavailable(presence: { readonly from: string; readonly to: string }): string {
  const quoted = (raw: string): string => raw.replaceAll("'", '&apos;')
  return `<presence type='unavailable' from='${quoted(presence.from)}' to='${quoted(presence.to)}'/>`
}
