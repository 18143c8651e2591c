import type { Closing, ClusterStore, Incarnation, Mail } from '../../src/cluster/cluster-store.ts'
import type { Timing } from '../../src/cluster/timing.ts'

/** How likely it is, of each call, from 0 to 1. */
export interface Faults {
  /** It never comes to the store. */
  readonly lost: number
  /** It is carried out, but nobody hears of it. */
  readonly silent: number
  /** Its caller has long been told that it failed when it is carried out. */
  readonly late: number
}

export const none: Faults = { lost: 0, silent: 0, late: 0 }

/** After so many milliseconds a call has failed. */
const PATIENCE = 500

interface Waiter {
  readonly of: Incarnation
  readonly look: () => boolean
}

/** The inboxes of a store that carries out what it is asked after a while, and now and then does not. */
export class FaultyStore implements Pick<ClusterStore, 'openInbox' | 'append' | 'read' | 'remove' | 'closeInbox'> {
  readonly #timing: Timing
  readonly #random: () => number
  #inboxes = new Map<Incarnation, Mail[]>()
  #waiters: Waiter[] = []
  #order = 0
  faults = none
  /** Milliseconds that a call takes, at most. */
  delay = 2
  isDown = false
  /** Entries of each append. */
  readonly appended: number[] = []

  constructor(timing: Timing, random: () => number) {
    this.#timing = timing
    this.#random = random
  }

  /** As the nodes see it: they use nothing but the inboxes. */
  get asStore(): ClusterStore {
    return this as unknown as ClusterStore
  }
  /** What is in an inbox. */
  mails(of: Incarnation): readonly Mail[] {
    return this.#inboxes.get(of) ?? []
  }
  has(of: Incarnation): boolean {
    return this.#inboxes.has(of)
  }
  /** Everything is gone, as after a restart without a file. Ids begin anew. */
  forget(): void {
    this.#inboxes = new Map()
    this.#order = 0
  }
  /** One entry is gone, as after a failover. */
  lose(of: Incarnation, index: number): void {
    this.#inboxes.get(of)?.splice(index, 1)
  }

  openInbox(of: Incarnation): Promise<void> {
    return this.#call(() => {
      if (!this.#inboxes.has(of)) this.#inboxes.set(of, [])
    })
  }

  append(of: Incarnation, entries: readonly Buffer[]): Promise<boolean> {
    // As they are now: who hands them over may do what he likes with them.
    const copies = entries.map((entry) => Buffer.from(entry))
    return this.#call(() => {
      const inbox = this.#inboxes.get(of)
      if (inbox === undefined) return false
      this.appended.push(copies.length)
      for (const bytes of copies) inbox.push({ id: `${++this.#order}`, bytes })
      this.#waiters = this.#waiters.filter((waiter) => waiter.of !== of || !waiter.look())
      return true
    })
  }

  read(of: Incarnation, after: string, count: number, milliseconds: number): Promise<readonly Mail[]> {
    const next = (): readonly Mail[] =>
      (this.#inboxes.get(of) ?? []).filter(({ id }) => Number(id) > Number(after)).slice(0, count)
    return this.#call(() => {
      const mails = next()
      if (mails.length > 0) return mails
      return new Promise((resolve) => {
        const cancel = this.#timing.later(() => resolve([]), milliseconds)
        const look = (): boolean => {
          const found = next()
          if (found.length === 0) return false
          cancel()
          resolve(found)
          return true
        }
        this.#waiters.push({ of, look })
      })
    })
  }

  remove(of: Incarnation, ids: readonly string[]): Promise<void> {
    return this.#call(() => {
      const inbox = this.#inboxes.get(of)
      if (inbox === undefined) return
      const left = inbox.filter(({ id }) => !ids.includes(id))
      this.#inboxes.set(of, left)
    })
  }

  closeInbox(of: Incarnation): Promise<Closing> {
    return this.#call(() => {
      if ((this.#inboxes.get(of)?.length ?? 0) > 0) return 'full'
      return this.#inboxes.delete(of) ? 'closed' : 'missing'
    })
  }

  async #call<T>(carryOut: () => T | Promise<T>): Promise<T> {
    await this.#while(this.#random() * this.delay)
    const { lost, silent, late } = this.faults
    const dice = this.#random()
    if (this.isDown) throw new Error('the store is down')
    if (dice < lost) return this.#fail()
    if (dice < lost + late) {
      this.#timing.later(() => void carryOut(), PATIENCE + this.#random() * PATIENCE)
      return this.#fail()
    }
    const outcome = await carryOut()
    if (dice < lost + late + silent) return this.#fail()
    await this.#while(this.#random() * this.delay)
    if (this.isDown) throw new Error('the store is down')
    return outcome
  }

  async #fail(): Promise<never> {
    await this.#while(PATIENCE)
    throw new Error('the store does not answer')
  }

  #while(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.#timing.later(resolve, milliseconds))
  }
}
