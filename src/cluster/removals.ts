import { Backoff } from '../backoff.ts'
import type { ClusterStore, Incarnation } from './cluster-store.ts'
import type { Timing } from './timing.ts'

/** What is to be removed waits so many milliseconds for more, unless there is so much of it. */
const WAIT = 20
const MANY = 256
/** What one call removes at most. */
const MOST = 1000

/** After a call that failed, the next one waits for so many milliseconds; for up to so many when that fails, too. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 1000

/** Removes entries of one inbox, many at a time. What may not have been removed is removed again. */
export class Removals {
  readonly #store: ClusterStore
  readonly #of: Incarnation
  readonly #timing: Timing
  readonly #backoff: Backoff
  /** No more than there are entries in the inbox. */
  #ids: string[] = []
  #leaving: readonly string[] = []
  #cancel: (() => void) | undefined
  #hasFailed = false
  #isClosed = false
  /** Called whenever nothing is left to be removed. */
  onIdle: (() => void) | undefined

  constructor(store: ClusterStore, of: Incarnation, timing: Timing, random: () => number) {
    this.#store = store
    this.#of = of
    this.#timing = timing
    this.#backoff = new Backoff(FIRST_PAUSE, LONGEST_PAUSE, random)
  }

  /** Whether all that was added has been removed. */
  get isIdle(): boolean {
    return this.#ids.length === 0 && this.#leaving.length === 0
  }

  add(id: string): void {
    this.#ids.push(id)
    if (this.#isClosed || this.#leaving.length > 0) return
    if (this.#ids.length >= MANY && !this.#hasFailed) this.#remove()
    else this.#cancel ??= this.#timing.later(this.#remove, WAIT)
  }
  has(id: string): boolean {
    return this.#ids.includes(id) || this.#leaving.includes(id)
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
  }

  readonly #remove = (): void => {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#isClosed) return
    this.#leaving = this.#ids.splice(0, MOST)
    void this.#carryOut(this.#leaving)
  }

  async #carryOut(ids: readonly string[]): Promise<void> {
    const isDone = await this.#store.remove(this.#of, ids).then(
      () => true,
      () => false,
    )
    this.#leaving = []
    this.#hasFailed = !isDone
    if (isDone) this.#backoff.reset()
    else this.#ids.push(...ids)
    if (this.#isClosed) return
    if (this.#ids.length === 0) return this.onIdle?.()
    if (isDone && this.#ids.length >= MANY) return this.#remove()
    this.#cancel = this.#timing.later(this.#remove, isDone ? WAIT : this.#backoff.next())
  }
}
