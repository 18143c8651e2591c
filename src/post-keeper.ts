import type { Post } from './cluster/post.ts'
import type { SharedTime } from './cluster/store-clock.ts'
import type { HoldKeeper } from './hold.ts'
import type { Keeper } from './past.ts'
import { isRequest } from './replies.ts'
import type { Ticket } from './stream/queue.ts'
import type { Head } from './xmpp/head.ts'

export interface PostKeeperParts {
  readonly post: Post
  readonly time: SharedTime
  /** Whether what is written down now gets to the store. */
  readonly isUp: () => boolean
  /** Bytes that may be kept. */
  readonly limit: () => number
  readonly full: (bytes: number) => void
}

/** Writes stanzas down in this node's own inbox, for its heir. */
export class PostKeeper implements Keeper {
  readonly #parts: PostKeeperParts
  #afterwards: Promise<void> | undefined

  constructor(parts: PostKeeperParts) {
    this.#parts = parts
  }

  keep(domain: string, isForServer: boolean, head: Head, since: number, deaths = 0): Ticket {
    const to = { domain, instance: isForServer ? undefined : '' }
    const { post, time } = this.#parts
    return post.keep(to, time.epoch + since, deaths, isRequest(head), head.buffer, head.start, head.end)
  }

  get bytes(): number {
    return this.#parts.post.keptBytes
  }
  get limit(): number {
    return this.#parts.limit()
  }
  noteFull(): void {
    this.#parts.full(this.bytes)
  }

  whenKept(then: () => void): void {
    const { post } = this.#parts
    if (this.#afterwards === undefined && post.isWritten) return then()
    const before = this.#afterwards ?? Promise.resolve()
    const mine = before.then(() => post.written()).then(then)
    this.#afterwards = mine
    mine.finally(() => {
      if (this.#afterwards === mine) this.#afterwards = undefined
    })
  }

  /** Writes down what a domain holds. */
  holdKeeper(domain: string): HoldKeeper {
    const { isUp } = this.#parts
    return {
      get isUp() {
        return isUp()
      },
      keep: (head, since, deaths) => this.keep(domain, false, head, since, deaths),
    }
  }
}
