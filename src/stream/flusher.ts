/** What writes when a tick has ended. */
export interface Flushable {
  flush(): void
}

/**
 * Calls everything that was written to, once, after the input of this turn of the event loop has been read: what many
 * stanzas wrote leaves in one system call per socket.
 */
export class Flusher {
  #dirty: Flushable[] = []
  #scheduled = false
  readonly #run = (): void => {
    const dirty = this.#dirty
    this.#dirty = []
    this.#scheduled = false
    for (let i = 0; i < dirty.length; i++) dirty[i]?.flush()
  }

  add(outbox: Flushable): void {
    this.#dirty.push(outbox)
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#run)
  }
}
