import type { Ticket } from '../stream/queue.ts'
import type { Incarnation } from './cluster-store.ts'
import type { Destination, Run } from './entry.ts'

/** Entries that came before others that are missing: so many are known, and left where they are. */
const MOST_EARLY = 10_000

/** Who is told what has become of what came from one node. */
export interface Witness {
  /** What has come is another node's to see to by now. */
  readonly isVoid: boolean
  /** All stanzas for `to` before a barrier have ended. */
  confirm(to: Destination, number: number): void
  answered(to: Destination, key: string): void
  /** Nothing of an entry is wanted any more: these are all its copies. */
  remove(id: string): void
  /** What has come waits in holds, or does no more. */
  held?(): void
}

/** An entry that has been handed out, and of which something has not ended. */
export class Arrived {
  readonly number: number
  /** Its copies in the inbox. */
  readonly ids: string[]
  readonly size: number
  readonly #ended: (entry: Arrived) => void
  /** Runs that have not ended, and one while it is being handed out. */
  #open = 1
  /** Bytes of its stanzas that are in holds. */
  #held = 0

  constructor(number: number, ids: string[], size: number, ended: (entry: Arrived) => void) {
    this.number = number
    this.ids = ids
    this.size = size
    this.#ended = ended
  }

  /** What of it is in no hold: at most its size, as stanzas are held with what was added to them. */
  get moving(): number {
    return Math.max(0, this.size - this.#held)
  }

  held(bytes: number): void {
    this.#held += bytes
  }
  open(): void {
    this.#open++
  }
  end(): void {
    if (--this.#open === 0) this.#ended(this)
  }
}

/** Runs that came one after the other, with no barrier between them. */
interface Stretch {
  open: number
  /** The barrier behind them; 0 while there is none. */
  barrier: number
}

/** What came for one destination and has not ended, in order. Only the last stretch has no barrier. */
interface Lane {
  readonly to: Destination
  readonly stretches: Stretch[]
}

/** The ticket of one run: keeps its entry in the inbox until it has ended, and its barrier unconfirmed. */
class RunTicket implements Ticket {
  readonly isStored = true
  readonly hops: number
  readonly #entry: Arrived
  readonly #to: Destination
  readonly #witness: Witness
  readonly #arrivals: Arrivals
  readonly #ended: () => void
  /** Whoever hands the run out is the first. */
  #carriers = 1
  #unanswered = 0

  constructor(entry: Arrived, { to, hops }: Run, witness: Witness, arrivals: Arrivals, ended: () => void) {
    this.hops = hops
    this.#entry = entry
    this.#to = to
    this.#witness = witness
    this.#arrivals = arrivals
    this.#ended = ended
    entry.open()
  }

  get isVoid(): boolean {
    return this.#witness.isVoid
  }
  retain(): void {
    if (this.#carriers > 0) this.#carriers++
  }
  release(): void {
    if (this.#carriers === 0 || --this.#carriers > 0) return
    this.#ended()
    if (this.#unanswered === 0) this.#entry.end()
  }
  held(bytes: number): void {
    this.#arrivals.held(this.#entry, bytes)
  }
  asked(): void {
    // What has ended is in the store no more.
    if (this.#carriers > 0 || this.#unanswered > 0) this.#unanswered++
  }
  unasked(): void {
    if (this.#unanswered > 0 && --this.#unanswered === 0 && this.#carriers === 0) this.#entry.end()
  }
  answered(key: string): void {
    this.#witness.answered(this.#to, key)
    this.unasked()
  }
}

/** What has come from one other node. */
export class Arrivals {
  readonly sender: Incarnation
  readonly #witness: Witness
  #taken = 0
  #bytes = 0
  #moving = 0
  readonly #live = new Map<number, Arrived>()
  /** Copies of entries that came before others that are missing. */
  readonly #early = new Map<number, string[]>()
  readonly #lanes = new Map<string, Lane>()
  /** What was taken after the sender has gone: with gaps, as nobody sends again what is missing. */
  #late: Set<number> | undefined
  readonly #ended = (entry: Arrived): void => {
    this.#live.delete(entry.number)
    this.#bytes -= entry.size
    this.#moving -= entry.moving
    for (const id of entry.ids) this.#witness.remove(id)
  }

  constructor(sender: Incarnation, witness: Witness) {
    this.sender = sender
    this.#witness = witness
  }

  /** The number up to which every entry has been taken. */
  get taken(): number {
    return this.#taken
  }
  /** What the entries weigh that have not ended. */
  get bytes(): number {
    return this.#bytes
  }
  /** What of that is in no hold. */
  get moving(): number {
    return this.#moving
  }
  get isIdle(): boolean {
    return this.#live.size === 0
  }
  get hasEarly(): boolean {
    return this.#early.size > 0
  }
  /** Nobody sends again what is missing. */
  get isGone(): boolean {
    return this.#late !== undefined
  }
  gone(): void {
    this.#late ??= new Set()
  }

  isTaken(number: number): boolean {
    return number <= this.#taken || this.#late?.has(number) === true
  }
  /** Whether something before it is missing, and will come. */
  isEarly(number: number): boolean {
    return number > this.#taken + 1 && this.#late === undefined
  }
  /** Whether that is a copy of an entry that has come. */
  isKnown(number: number, id: string): boolean {
    const ids = this.#live.get(number)?.ids ?? this.#early.get(number)
    return ids?.includes(id) === true
  }

  /** An entry that has been taken has come again. */
  again(number: number, id: string): void {
    const entry = this.#live.get(number)
    if (entry === undefined) this.#witness.remove(id)
    else if (!entry.ids.includes(id)) entry.ids.push(id)
  }
  /** An entry has come before one that is missing: it stays where it is. */
  early(number: number, id: string): void {
    const ids = this.#early.get(number)
    if (ids?.includes(id)) return
    if (ids !== undefined) ids.push(id)
    else if (this.#early.size < MOST_EARLY) this.#early.set(number, [id])
    else this.#witness.remove(id)
  }
  /** The next entry: `end` is called when its items have been handed out. */
  take(number: number, id: string, size: number): Arrived {
    const early = this.#early.get(number) ?? []
    this.#early.delete(number)
    const entry = new Arrived(number, early.includes(id) ? early : [...early, id], size, this.#ended)
    this.#bytes += size
    this.#moving += size
    this.#live.set(number, entry)
    if (this.#late === undefined) this.#taken = number
    else this.#late.add(number)
    return entry
  }

  /** The ticket of a run that is being handed out, which holds it until it calls `release`. */
  ticket(entry: Arrived, run: Run): Ticket {
    const lane = this.#laneOf(run.to)
    const stretch = lane.stretches.at(-1) as Stretch
    stretch.open++
    return new RunTicket(entry, run, this.#witness, this, () => {
      stretch.open--
      this.#advance(lane)
    })
  }
  /** As `Ticket.held`, of an entry that was taken. */
  held(entry: Arrived, bytes: number): void {
    if (this.#live.get(entry.number) !== entry) return
    const before = entry.moving
    entry.held(bytes)
    this.#moving += entry.moving - before
    this.#witness.held?.()
  }
  barrier(to: Destination, number: number): void {
    const lane = this.#laneOf(to)
    const last = lane.stretches.at(-1) as Stretch
    last.barrier = number
    lane.stretches.push({ open: 0, barrier: 0 })
    this.#advance(lane)
  }

  #laneOf(to: Destination): Lane {
    const key = keyOf(to)
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = { to, stretches: [{ open: 0, barrier: 0 }] }
      this.#lanes.set(key, lane)
    }
    return lane
  }

  #advance(lane: Lane): void {
    const { to, stretches } = lane
    for (let first = stretches[0]; first !== undefined && first.open === 0; first = stretches[0]) {
      if (first.barrier === 0) {
        this.#lanes.delete(keyOf(to))
        return
      }
      stretches.shift()
      this.#witness.confirm(to, first.barrier)
    }
  }
}

/** No domain has a zero in it. */
function keyOf({ domain, instance }: Destination): string {
  return instance === undefined ? domain : `${domain}\0${instance}`
}
