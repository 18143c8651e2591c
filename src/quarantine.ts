/** A stanza that closed so many instances is not given to another. */
export const MOST_DEATHS = 3

const MOST_ENTRIES = 100
const MOST_BYTES = 1024 * 1024

/** A stanza that closed every instance that it was given to, kept for an operator to read. */
export interface Quarantined {
  /** When it was put here, in milliseconds since 1970. */
  readonly since: number
  readonly bytes: Buffer
  /** Names and addresses, as they stand between their quotes. */
  readonly head: QuarantinedHead
}

export interface QuarantinedHead {
  readonly name: string
  readonly type: string | undefined
  readonly from: string | undefined
  readonly to: string | undefined
  readonly id: string | undefined
}

/** The last of a domain's quarantined stanzas, bounded in number and bytes: the oldest make room. */
export class Quarantine {
  #entries: Quarantined[] = []
  #bytes = 0

  get entries(): readonly Quarantined[] {
    return this.#entries
  }

  add(bytes: Buffer, since: number, head: QuarantinedHead): void {
    this.#entries.push({ since, bytes, head })
    this.#bytes += bytes.length
    while (this.#entries.length > MOST_ENTRIES || (this.#bytes > MOST_BYTES && this.#entries.length > 1)) {
      this.#bytes -= this.#entries.shift()?.bytes.length ?? 0
    }
  }

  clear(): void {
    this.#entries = []
    this.#bytes = 0
  }
}
