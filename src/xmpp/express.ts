import type { FramerLimits } from './found.ts'
import { type Form, type Head, Kind, type Type } from './head.ts'

/** Why a scan has stopped; the numbers are assembly/express.ts's. */
export const Outcome = {
  /** All is read, and the input ends between two stanzas. */
  all: 0,
  /** The input ends inside what may be a stanza. */
  incomplete: 1,
  /** An element that is for the plain framer. */
  deferred: 2,
  /** Nothing: there is more, and no room for its records. */
  more: 3,
} as const
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

/** Numbers of one record. */
const RECORD = 18
/** Zeros behind the input, which stop every loop. */
const PADDING = 64
const PAGE = 64 * 1024
/** Room for the input at most, in bytes: what is larger is for the plain framer. */
const LARGEST = 4 * 1024 * 1024
/** What is read of a socket at once. */
const CHUNK = 256 * 1024

/** What assembly/express.ts exports. */
interface Exports {
  readonly memory: WebAssembly.Memory
  readonly records: WebAssembly.Global
  readonly input: WebAssembly.Global
  readonly position: WebAssembly.Global
  readonly outcome: WebAssembly.Global
  limit(bytes: number, depth: number, elements: number, attributes: number, namespaces: number): void
  scan(from: number, end: number): number
}

/** Who has its input in the memory, and must take it elsewhere when another wants to use it. */
export interface Tenant {
  evict(): void
}

/**
 * The scanner in WebAssembly (assembly/express.ts), which passes whole stanzas of the usual kind, several in one call, and
 * leaves all else. There is one memory for all streams: between two chunks no stream needs any of it.
 */
export class Express {
  /** The whole memory; positions are offsets into it. */
  readonly memory: Buffer
  /** Where the input begins. */
  readonly input: number
  /** How many bytes of input fit. */
  readonly capacity: number
  readonly #exports: Exports
  readonly #numbers: Int32Array
  readonly #records: number
  #tenant: Tenant | undefined
  #limits: FramerLimits | undefined

  /** `stanzaBytes`: the largest stanza that is to fit, where that is not too large. */
  constructor(module: WebAssembly.Module, stanzaBytes: number) {
    // Nothing calls it: assertions are compiled away.
    const imports = { env: { abort: () => undefined } }
    this.#exports = new WebAssembly.Instance(module, imports).exports as unknown as Exports
    const { memory, records, input } = this.#exports
    this.input = input.value
    const wanted = Math.min(stanzaBytes + 2 * CHUNK, LARGEST)
    const pages = Math.ceil((this.input + wanted + PADDING) / PAGE)
    // Never again: growing would detach all views of it.
    memory.grow(pages - memory.buffer.byteLength / PAGE)
    this.capacity = wanted
    this.memory = Buffer.from(memory.buffer)
    this.#numbers = new Int32Array(memory.buffer)
    this.#records = records.value / Int32Array.BYTES_PER_ELEMENT
  }

  /** Takes in input: `rest`, then `chunk`. Returns where it ends. Whoever had its input here is sent away. */
  load(tenant: Tenant, limits: FramerLimits, rest: Buffer | undefined, chunk: Uint8Array): number {
    this.#tenant?.evict()
    this.#tenant = tenant
    if (limits !== this.#limits) {
      this.#limits = limits
      const { stanza_bytes, depth, elements, attributes, namespaces } = limits
      this.#exports.limit(stanza_bytes, depth, elements, attributes, namespaces)
    }
    const { memory, input } = this
    let end = input
    if (rest !== undefined) end += rest.copy(memory, end)
    memory.set(chunk, end)
    end += chunk.length
    memory.fill(0, end, end + PADDING)
    return end
  }

  /** The tenant needs the memory no more. */
  leave(): void {
    this.#tenant = undefined
  }

  /** Scans from `from`, which is between two stanzas, to `end`. Returns how many records there are. */
  scan(from: number, end: number): number {
    return this.#exports.scan(from, end)
  }

  /** Where the last scan stopped: behind the last record's stanza and what white space follows it. */
  get position(): number {
    return this.#exports.position.value
  }

  get outcome(): Outcome {
    return this.#exports.outcome.value as Outcome
  }

  /** Where the stanza of a record ends if it begins at `start`, where another ends, and is no iq; otherwise 0. */
  endOfPlain(record: number, start: number): number {
    const at = this.#records + record * RECORD
    const isPlain = this.#numbers[at] === start && this.#numbers[at + 3] !== Kind.iq
    return isPlain ? (this.#numbers[at + 1] as number) : 0
  }

  /** Makes `head` describe the stanza of a record. */
  read(record: number, head: Head): void {
    const numbers = this.#numbers
    const at = this.#records + record * RECORD
    head.buffer = this.memory
    head.start = numbers[at] as number
    head.end = numbers[at + 1] as number
    head.tagEnd = numbers[at + 2] as number
    head.kind = numbers[at + 3] as Kind
    head.type = numbers[at + 4] as Type
    head.idStart = numbers[at + 5] as number
    head.idEnd = numbers[at + 6] as number
    head.children = numbers[at + 7] as number
    head.fromStart = numbers[at + 8] as number
    head.fromEnd = numbers[at + 9] as number
    head.fromDomain = numbers[at + 10] as number
    head.fromBare = numbers[at + 11] as number
    head.fromForm = numbers[at + 12] as Form
    head.toStart = numbers[at + 13] as number
    head.toEnd = numbers[at + 14] as number
    head.toDomain = numbers[at + 15] as number
    head.toBare = numbers[at + 16] as number
    head.toForm = numbers[at + 17] as Form
    head.streams = false
  }
}
