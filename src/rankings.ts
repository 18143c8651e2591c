import { type Ranking, rankingFor } from '../balancing/ranking.ts'
import { Rendezvous } from '../balancing/rendezvous.ts'
import { noTerms, type Terms } from '../balancing/terms.ts'
import type { Instance } from './instance.ts'

/** The ranking of no names. */
const nobody = Rendezvous.of([])

/** The ranking of a domain's members: made anew only when they or the terms are others, as that takes long for many names. */
export class Rankings {
  /** By the names alone. */
  #plain = nobody
  #terms = noTerms
  #ranking: Ranking = nobody

  of(members: ReadonlyMap<string, Instance>, terms: Terms): Ranking {
    const plain = rankingOf(members, this.#plain)
    if (plain !== this.#plain || terms !== this.#terms) {
      this.#ranking = terms === noTerms ? plain : rankingFor(members.keys(), terms, plain)
    }
    this.#plain = plain
    this.#terms = terms
    return this.#ranking
  }

  /** Where nobody is ranked, nothing is kept. */
  none(): Ranking {
    this.#plain = nobody
    this.#terms = noTerms
    this.#ranking = nobody
    return nobody
  }
}

/** The ranking of `members`: from the one before by single steps where those are few, as each costs less than to start anew. */
function rankingOf(members: ReadonlyMap<string, Instance>, before: Rendezvous): Rendezvous {
  const known = new Set(before.names)
  const joined = [...members.keys()].filter((name) => !known.has(name))
  const left = before.names.filter((name) => !members.has(name))
  if (joined.length + left.length > members.size / 2) return Rendezvous.of(members.keys())
  let ranking = before
  for (const name of left) ranking = ranking.without(name)
  for (const name of joined) ranking = ranking.with(name)
  return ranking
}
