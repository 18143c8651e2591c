import type { Change, HoldStore, Stored, StoredEntry } from '../../src/journal.ts'

/** A store as Redis is one, that a test can make fail, forget, or be written by another node. */
export class MemoryHoldStore implements HoldStore {
  readonly #domains = new Map<string, { entries: StoredEntry[]; highest: readonly [number, number] }>()
  readonly changes: Change[] = []
  life = 'first'
  /** The next changes are made, but whoever asked for them is told that they failed. */
  isMute = false
  isDown = false

  async memory(): Promise<string> {
    this.#assertUp()
    return this.life
  }

  async read(domain: string): Promise<Stored> {
    this.#assertUp()
    const { entries, highest } = this.#domain(domain)
    return { entries: [...entries], unreadable: [], highest: highest[0] }
  }

  async write(domain: string, change: Change): Promise<boolean> {
    this.#assertUp()
    this.changes.push(change)
    const isOurs = this.#apply(this.#domain(domain), change)
    if (this.isMute) throw new Error('Command timed out')
    return isOurs
  }

  close(): void {
    this.isDown = true
  }

  forget(): void {
    this.#domains.clear()
    this.life += ' and another'
  }

  #apply(stream: { entries: StoredEntry[]; highest: readonly [number, number] }, change: Change): boolean {
    for (const entry of change.add) {
      const isThere = stream.entries.some(({ id }) => id === entry.id)
      if (isThere) continue
      if (!isAbove(numbersOf(entry.id), stream.highest)) return false
      stream.entries.push({ ...entry, bytes: Buffer.from(entry.bytes) })
      stream.highest = numbersOf(entry.id)
    }
    const below = change.removeBelow === undefined ? [0, 0] : numbersOf(change.removeBelow)
    stream.entries = stream.entries.filter(
      ({ id }) => !change.remove.includes(id) && !isAbove(below as [number, number], numbersOf(id)),
    )
    return true
  }

  #domain(name: string): { entries: StoredEntry[]; highest: readonly [number, number] } {
    let stream = this.#domains.get(name)
    if (stream === undefined) {
      stream = { entries: [], highest: [0, 0] }
      this.#domains.set(name, stream)
    }
    return stream
  }

  #assertUp(): void {
    if (this.isDown) throw new Error('Connection is closed.')
  }
}

function numbersOf(id: string): [number, number] {
  const [first, second] = id.split('-').map(Number)
  return [first!, second!]
}

function isAbove(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] > b[0] || (a[0] === b[0] && a[1] > b[1])
}
