import { type BucketTable, leave, type Move } from '../balancing/buckets.ts'
import { type Policy, policyFor } from '../balancing/policy.ts'
import { type Terms, termsFor } from '../balancing/terms.ts'
import type { Domain } from '../config/config.ts'
import { movesBetween } from './agreement.ts'
import { assignmentOf, bucketsFor, seat, settle, settleAll, termsIn } from './assignment.ts'
import type { Instance } from './instance.ts'

/** By what rules a domain's stanzas are shared out, and who has which of its buckets. */
export class Allotment {
  #config: Domain
  #policy: Policy
  #terms: Terms
  #buckets: BucketTable | undefined

  constructor(config: Domain) {
    this.#config = config
    this.#policy = policyFor(config.balancing, config.bare_domain, config.hash)
    this.#terms = termsFor(config)
    this.#buckets = bucketsFor(this.#policy, config, [])
  }

  get config(): Domain {
    return this.#config
  }
  get policy(): Policy {
    return this.#policy
  }
  get terms(): Terms {
    return this.#terms
  }
  /** Undefined for a domain without buckets. */
  get buckets(): BucketTable | undefined {
    return this.#buckets
  }

  /** Whether one that joins may get what was another's, without a bucket changing hands. */
  get ranks(): boolean {
    const { when_unassigned, canary } = this.#config
    if (this.#policy.kind !== 'buckets') return this.#policy.kind === 'rendezvous'
    return when_unassigned === 'spill' || canary !== undefined
  }

  /** Whether one that comes or goes may move keys between others: `balance_factor`. */
  get isBounded(): boolean {
    return this.#policy.kind === 'rendezvous' && this.#terms.bound !== undefined
  }

  /** An instance arrives; it may take a bucket from one that has no right to it. Returns what changes hands. */
  seat(name: string): readonly Move[] {
    if (this.#buckets === undefined) return []
    const { table, moves } = seat(this.#buckets, this.#config, name)
    this.#buckets = table
    return moves
  }

  /** An instance leaves. Returns what changes hands. */
  leave(name: string): readonly Move[] {
    if (this.#buckets === undefined) return []
    const { table, moves } = leave(this.#buckets, name)
    this.#buckets = table
    return moves
  }

  /** Buckets as others have given them out. Returns what changes hands. */
  adopt(buckets: BucketTable | undefined, members: ReadonlyMap<string, Instance>): readonly Move[] {
    const moves = movesBetween(this.#buckets, buckets)
    const isResized = this.#buckets?.holders.length !== buckets?.holders.length
    this.#buckets = buckets
    if (isResized) this.settleAll(members)
    return moves
  }

  /** These are all that there are now. Who has a bucket keeps it. */
  keep(members: ReadonlyMap<string, Instance>): void {
    this.#buckets = bucketsFor(this.#policy, this.#config, members.keys(), this.#buckets)
    this.settleAll(members)
  }

  /**
   * Takes a new config into force. Returns whether stanzas are now shared out otherwise.
   * @param isFollowing others give the buckets out
   */
  configure(config: Domain, members: ReadonlyMap<string, Instance>, isFollowing: boolean): boolean {
    const [assigned, terms] = [assignmentOf(this.#policy, this.#config), termsIn(this.#terms)]
    const { when_unassigned: spilled, canary } = this.#config
    this.#config = config
    this.#policy = policyFor(config.balancing, config.bare_domain, config.hash)
    this.#terms = termsFor(config)
    const isAssignedAnew = assignmentOf(this.#policy, config) !== assigned
    if (!isFollowing && (isAssignedAnew || canary?.instance !== config.canary?.instance)) {
      this.#buckets = bucketsFor(this.#policy, config, members.keys(), this.#buckets)
    }
    this.settleAll(members)
    return isAssignedAnew || spilled !== config.when_unassigned || terms !== termsIn(this.#terms)
  }

  /** Says of an instance what it holds. */
  settle(instance: Instance): void {
    settle(instance, this.#buckets, this.#config)
  }

  settleAll(members: ReadonlyMap<string, Instance>): void {
    settleAll(members.values(), this.#buckets, this.#config)
  }
}
