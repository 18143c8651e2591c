import type { ClusterStore, Incarnation } from './cluster-store.ts'
import { Draft } from './draft.ts'
import type { Known } from './known.ts'
import type { Lease, Timing } from './lease.ts'
import { NameTaken, UnlikeForm } from './membership-errors.ts'
import { announceNode, bury } from './node-wishes.ts'
import type { NodeFacts } from './records.ts'

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

/**
 * Joins the cluster, or throws what stands against it. One whose name a node has that may be dead waits until it is sure:
 * a node that was killed and started anew comes back under its name when its old lease has run out.
 */
export async function admit(parts: AdmissionParts): Promise<void> {
  const { store, incarnation, facts, known, lease, timing, now, pause } = parts
  await store.openInbox(incarnation)
  const began = now()
  let isFirst = true
  let timesExpired = 0
  for (;;) {
    known.doubt()
    await known.catchUp()
    const { table } = known
    if (isFirst && table.epoch > 0 && table.seeded === table.epoch) lease.quiet(now())
    isFirst = false
    for (const node of table.nodes.values()) {
      if (Math.abs(node.form - facts.form) > 1) throw new UnlikeForm(facts.form, node)
    }
    const other = table.names.get(facts.name)
    // An attempt before this one came through, and was not told so.
    if (other === incarnation && (await renewed(parts))) return
    const expired: Incarnation[] = []
    const rival = other === undefined ? undefined : table.nodes.get(other)
    if (other !== undefined && other !== incarnation && rival !== undefined) {
      const isExpired = (await store.renew(incarnation, timing.lease)).expired.includes(other)
      if (!isExpired && (timesExpired > 0 || now() - began > timing.lease + timing.heartbeat))
        throw new NameTaken(rival)
      timesExpired = isExpired ? timesExpired + 1 : 0
      // The store itself may have been away: the other one is given the time to say that it lives.
      if (timesExpired >= 2) expired.push(other)
      else {
        await pause(timing.heartbeat)
        continue
      }
    }
    if (lease.isQuiet(now())) {
      await pause(timing.heartbeat)
      continue
    }
    const draft = new Draft(table)
    bury(draft, expired, incarnation)
    announceNode(draft, incarnation, facts)
    const sent = now()
    const { delta } = draft
    const outcome = await store.commit({ me: incarnation, epoch: table.epoch, delta, joinFor: timing.lease, expired })
    if (outcome.kind === 'done') {
      known.committed(table, delta, outcome.epoch)
      lease.renewed(sent)
      lease.answered(sent)
      if (table.epoch === 0) lease.trouble()
      return
    }
    if (outcome.kind === 'alive' && rival !== undefined) throw new NameTaken(rival)
  }
}

async function renewed({ store, incarnation, lease, timing, now }: AdmissionParts): Promise<boolean> {
  const sent = now()
  const { isMember } = await store.renew(incarnation, timing.lease)
  if (!isMember) return false
  lease.renewed(sent)
  lease.answered(sent)
  return true
}
