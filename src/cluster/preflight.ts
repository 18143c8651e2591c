import { assertLike } from './admission.ts'
import type { ClusterStore, Incarnation } from './cluster-store.ts'
import { Known } from './known.ts'
import { usualTiming } from './lease.ts'
import { NameTaken } from './membership-errors.ts'
import type { NodeFacts } from './records.ts'
import { pause, type Timing } from './timing.ts'

export interface PreflightParts {
  readonly store: ClusterStore
  /** What this node would join with. */
  readonly facts: NodeFacts
  /** Its present life, in this cluster or another: it would have left before. */
  readonly present: Incarnation | undefined
  readonly timing: Timing
}

/** Renews no lease: no node has that name. */
const NOBODY = ''

/**
 * Throws what stands against joining a cluster, of which nothing is changed: the store is not there, or not fit for use, or
 * takes no writes; or a live node has the name. As when it joins, one that may be dead has the time to say that it lives.
 */
export async function preflight({ store, facts, present, timing }: PreflightParts): Promise<void> {
  await store.open()
  const known = new Known({ store, changed: () => {} })
  const { lease, heartbeat } = usualTiming
  for (const began = timing.now(); ; await pause(timing, heartbeat)) {
    const { expired } = await store.renew(NOBODY, lease)
    known.doubt()
    await known.catchUp()
    const { table } = known
    assertLike(table, facts)
    const other = table.names.get(facts.name)
    if (other === undefined || other === present || expired.includes(other)) return
    const rival = table.nodes.get(other)
    if (rival === undefined) return
    if (timing.now() - began > lease + heartbeat) throw new NameTaken(rival)
  }
}
