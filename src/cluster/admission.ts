import type { ClusterStore, Incarnation } from './cluster-store.ts'
import { Draft } from './draft.ts'
import type { Known } from './known.ts'
import type { Lease, Timing } from './lease.ts'
import { NameTaken, UnlikeForm } from './membership-errors.ts'
import { announceNode, bury } from './node-wishes.ts'
import type { NodeFacts, NodeRecord } from './records.ts'
import type { Table } from './table.ts'

export interface AdmissionParts {
  readonly store: ClusterStore
  readonly incarnation: Incarnation
  readonly facts: NodeFacts
  readonly known: Known
  readonly lease: Lease
  readonly timing: Timing
  readonly now: () => number
  /** Resolves after so many milliseconds; rejects when the membership ends. */
  readonly pause: (milliseconds: number) => Promise<void>
}

/** What one attempt to join came to: who may be buried with the next, or that this node is a member. */
type Attempt = { readonly kind: 'in' } | { readonly kind: 'again'; readonly isWaiting: boolean }

const again = { kind: 'again', isWaiting: false } as const
const later = { kind: 'again', isWaiting: true } as const

/**
 * Joins the cluster, or throws what stands against it. One whose name a node has that may be dead waits until it is sure:
 * a node that was killed and started anew comes back under its name when its old lease has run out.
 */
export async function admit(parts: AdmissionParts): Promise<void> {
  await parts.store.openInbox(parts.incarnation)
  const admission = new Admission(parts)
  try {
    for (;;) {
      const attempt = await admission.attempt()
      if (attempt.kind === 'in') return
      if (attempt.isWaiting) await parts.pause(parts.timing.heartbeat)
    }
  } catch (error) {
    // It is sure not to be a member: what would try again all day leaves no inbox each time.
    const isOut = error instanceof NameTaken || error instanceof UnlikeForm
    if (isOut) await parts.store.closeInbox(parts.incarnation).catch(() => {})
    throw error
  }
}

/** Throws where a node is in the table whose version is of another time. */
export function assertLike(table: Table, { form }: NodeFacts): void {
  for (const node of table.nodes.values()) if (Math.abs(node.form - form) > 1) throw new UnlikeForm(form, node)
}

class Admission {
  readonly #parts: AdmissionParts
  readonly #began: number
  /** How often, one after the other, the lease of the one that has the name was found to have run out. */
  #timesExpired = 0

  constructor(parts: AdmissionParts) {
    this.#parts = parts
    this.#began = parts.now()
  }

  async attempt(): Promise<Attempt> {
    const { incarnation, facts, known, lease, now } = this.#parts
    known.doubt()
    await known.catchUp()
    const { table } = known
    assertLike(table, facts)
    const other = table.names.get(facts.name)
    const rival = other === undefined ? undefined : table.nodes.get(other)
    // An attempt before this one came through, and was not told so.
    if (other === incarnation && (await this.#renew())) return { kind: 'in' }
    if (other !== undefined && other !== incarnation && rival !== undefined && !(await this.#isDead(other, rival)))
      return later
    if (table.seeded === table.epoch && lease.isQuiet(now())) return later
    return this.#commit(other, rival)
  }

  /** Whether a node that has this one's name has been dead for long enough to be buried. Throws when it lives. */
  async #isDead(other: Incarnation, rival: NodeRecord): Promise<boolean> {
    const { store, incarnation, timing, now } = this.#parts
    const { expired } = await store.renew(incarnation, timing.lease)
    const isExpired = expired.includes(other)
    const isOld = now() - this.#began > timing.lease + timing.heartbeat
    if (!isExpired && (this.#timesExpired > 0 || isOld)) throw new NameTaken(rival)
    this.#timesExpired = isExpired ? this.#timesExpired + 1 : 0
    // The store itself may have been away: the other one is given the time to say that it lives.
    return this.#timesExpired >= 2
  }

  async #commit(other: Incarnation | undefined, rival: NodeRecord | undefined): Promise<Attempt> {
    const { store, incarnation, facts, known, lease, timing, now } = this.#parts
    const { table } = known
    const expired = other === undefined || other === incarnation || rival === undefined ? [] : [other]
    const draft = new Draft(table)
    bury(draft, expired, incarnation)
    announceNode(draft, incarnation, facts)
    const sent = now()
    const { delta } = draft
    const outcome = await store.commit({ me: incarnation, epoch: table.epoch, delta, joinFor: timing.lease, expired })
    if (outcome.kind === 'alive' && rival !== undefined) throw new NameTaken(rival)
    if (outcome.kind !== 'done') return again
    // Nothing but its name until others had the time to be heard, should the store have been away until now.
    lease.trouble()
    lease.renewed(sent)
    lease.answered(sent)
    known.committed(table, delta, outcome.epoch)
    return { kind: 'in' }
  }

  async #renew(): Promise<boolean> {
    const { store, incarnation, lease, timing, now } = this.#parts
    const sent = now()
    const { isMember } = await store.renew(incarnation, timing.lease)
    if (!isMember) return false
    lease.trouble()
    lease.renewed(sent)
    lease.answered(sent)
    return true
  }
}
