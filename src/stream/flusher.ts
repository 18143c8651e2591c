import { SlabPool } from './slab-pool.ts'

/** What writes when a tick has ended, and asks for a confirmation when it has waited long enough for more to write. */
export interface Flushable {
  flush(): void
  askToConfirm(): void
}

/** A confirmation is asked for after so many milliseconds at the latest. */
const CONFIRM_MILLISECONDS = 20

/**
 * What all outboxes of a node share. Calls everything that was written to, once, after the input of this turn of the event loop has been read: what many
 * stanzas wrote leaves in one system call per socket.
 */
export class Flusher {
  readonly slabs = new SlabPool()
  #dirty: Flushable[] = []
  #unasked: Flushable[] = []
  #scheduled = false
  #timer: NodeJS.Timeout | undefined
  readonly #run = (): void => {
    const dirty = this.#dirty
    this.#dirty = []
    this.#scheduled = false
    for (let i = 0; i < dirty.length; i++) dirty[i]?.flush()
  }
  readonly #ask = (): void => {
    const unasked = this.#unasked
    this.#unasked = []
    this.#timer = undefined
    for (let i = 0; i < unasked.length; i++) unasked[i]?.askToConfirm()
  }

  add(outbox: Flushable): void {
    this.#dirty.push(outbox)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#run)
  }

  /** Calls `askToConfirm` in a while. One timer for all, and none when nothing waits. */
  askLater(outbox: Flushable): void {
    this.#unasked.push(outbox)
    this.#timer ??= setTimeout(this.#ask, CONFIRM_MILLISECONDS)
  }
}
