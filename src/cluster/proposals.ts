import { Draft } from './draft.ts'
import type { Table } from './table.ts'

/** Changes a draft into what its maker wants. It may be called several times, and must do nothing where it is so already. */
export type Wish = (draft: Draft) => void

interface Proposed {
  readonly wish: Wish
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** What waits to be written down, at most. */
const MOST_WAITING = 50_000
/** What is committed together, at most. */
const MOST_TOGETHER = 1000

/** A batch of wishes, as they come out over one table. */
export interface Batch {
  readonly draft: Draft
  /** Those whose wishes are in the draft. */
  readonly proposed: readonly Proposed[]
}

/** Wishes that wait until the store has taken them, in order. */
export class Proposals {
  readonly #waiting: Proposed[] = []
  #end: Error | undefined

  get size(): number {
    return this.#waiting.length
  }

  add(wish: Wish): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#end !== undefined) reject(this.#end)
      else if (this.#waiting.length >= MOST_WAITING) reject(new Error(`${MOST_WAITING} changes wait for the cluster`))
      else this.#waiting.push({ wish, resolve, reject })
    })
  }

  /** The first of them, worked out over a table. One that cannot be worked out is rejected. */
  batch(table: Table): Batch {
    const draft = new Draft(table)
    const proposed: Proposed[] = []
    for (const each of this.#waiting.slice(0, MOST_TOGETHER)) {
      const attempt = draft.attempt(each.wish)
      if (attempt === undefined) proposed.push(each)
      else {
        this.#waiting.splice(this.#waiting.indexOf(each), 1)
        each.reject(attempt)
      }
    }
    return { draft, proposed }
  }

  /** A batch is in the table. */
  done({ proposed }: Batch): void {
    this.#waiting.splice(0, proposed.length)
    for (const { resolve } of proposed) resolve()
  }

  /** Nothing more is written down. */
  end(why: Error): void {
    this.#end ??= why
    for (const { reject } of this.#waiting.splice(0)) reject(why)
  }
}
