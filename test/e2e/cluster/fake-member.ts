import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import type { ClusterStore } from '../../../src/cluster/cluster-store.ts'
import { fieldOf } from '../../../src/cluster/records.ts'

const LEASE_MILLISECONDS = 5000
const RENEW_MILLISECONDS = 500

/** A member of another release: records that the test writes, a lease that is renewed, and an inbox that nobody reads. */
export class FakeMember {
  readonly incarnation = randomBytes(8).toString('hex')
  readonly #store: ClusterStore
  #timer: NodeJS.Timeout | undefined

  private constructor(store: ClusterStore) {
    this.#store = store
  }

  /** Joins with this record, and with these fields beside it, in which `$me` stands for its incarnation. */
  static async join(
    t: TestContext,
    store: ClusterStore,
    record: Readonly<Record<string, unknown>> & { readonly name: string },
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<FakeMember> {
    const member = new FakeMember(store)
    t.after(() => member.die())
    await store.openInbox(member.incarnation)
    await member.#commit(record, fields)
    const renew = (): void => void store.renew(member.incarnation, LEASE_MILLISECONDS).catch(() => {})
    member.#timer = setInterval(renew, RENEW_MILLISECONDS)
    return member
  }

  /** Renews its lease no more. */
  die(): void {
    clearInterval(this.#timer)
  }

  /** What has come into its inbox so far, as text. */
  async inbox(): Promise<string> {
    const mails = await this.#store.read(this.incarnation, '0', 1000, 50)
    return mails.map(({ bytes }) => bytes.toString('latin1')).join('')
  }

  async #commit(record: { readonly name: string }, fields: Readonly<Record<string, unknown>>): Promise<void> {
    for (;;) {
      const { epoch } = await this.#store.changes(0)
      const own = [
        [fieldOf.node(this.incarnation), JSON.stringify({ joined: epoch + 1, ...record })],
        [fieldOf.name(record.name), this.incarnation],
      ] as const
      const more = Object.entries(fields).map(
        ([name, value]) => [name, JSON.stringify(value).replaceAll('$me', this.incarnation)] as const,
      )
      const delta = new Map<string, string | null>([...own, ...more])
      const { kind } = await this.#store.commit({
        me: this.incarnation,
        epoch,
        delta,
        joinFor: LEASE_MILLISECONDS,
      })
      if (kind === 'done') return
      if (kind !== 'stale') throw new Error(`a fake member cannot join: ${kind}`)
    }
  }
}
