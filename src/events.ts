import { escapeForLog, type Log, tapLog } from './log.ts'
import type { LogCode } from './log-codes.ts'

/** What happened to nodes, instances, buckets and links, as programs are told of it. */
export interface Event {
  /** Rises by one with each, from 1 at the start of the node. */
  readonly id: number
  /** The log's code with underscores: `node_joined`. */
  readonly name: string
  /** ISO 8601, UTC. */
  readonly time: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** Which log codes are events, and which of their fields are told: names and numbers, never what users wrote. */
export const eventFields = {
  'node-joined': ['node', 'name', 'incarnation', 'version', 'epoch'],
  'node-left': ['node', 'name', 'incarnation', 'epoch', 'isDead'],
  senior: ['node', 'name', 'incarnation', 'epoch', 'isSelf'],
  'cluster-joined': ['incarnation', 'epoch', 'nodes'],
  'cluster-left': ['incarnation'],
  'cluster-up': [],
  'cluster-down': ['reach', 'reason'],
  'cluster-fenced': [],
  'cluster-unfenced': [],
  'cluster-lost': ['incarnation', 'reason'],
  'cluster-seeded': ['epoch'],
  'cluster-absent': ['seconds', 'reason'],
  'estate-claimed': ['node', 'incarnation', 'name'],
  'estate-settled': ['node', 'incarnation', 'name', 'stanzas'],
  'estate-missing': ['node', 'incarnation', 'name'],
  'inbox-full': ['name', 'incarnation', 'bytes'],
  'journal-full': ['bytes'],
  'instance-joined': ['domain', 'instance', 'bucket', 'remote'],
  'instance-left': ['domain', 'instance', 'condition'],
  'instance-stalled': ['domain', 'instance'],
  'instance-unstalled': ['domain', 'instance'],
  'instance-suspect': ['domain', 'instance'],
  'bucket-moved': ['domain', 'bucket', 'from', 'to'],
  'bucket-unassigned': ['domain', 'bucket', 'from', 'to'],
  'hold-started': ['domain', 'stanzas'],
  'hold-released': ['domain', 'stanzas'],
  'hold-expired': ['domain', 'stanzas'],
  'link-up': ['domain'],
  'link-down': ['domain', 'reason'],
  'link-claimed': ['domain', 'server'],
  'link-yielded': ['domain'],
  'drain-started': ['domain', 'instance'],
  'drain-done': ['domain', 'instance'],
  'drain-cancelled': ['domain', 'instance'],
  'config-reloaded': [],
  'config-refused': [],
  stopping: [],
} as const satisfies Partial<Record<LogCode, readonly string[]>>

const told: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(eventFields))

/** Makes events of what is logged, for whoever listens. */
export class Events {
  readonly #listeners = new Set<(event: Event) => void>()
  readonly #untap: () => void
  readonly #now: () => number
  /** Events that listeners could not pass on: they count them here. */
  dropped = 0
  #last = 0

  constructor(log: Log, now: () => number) {
    this.#now = now
    this.#untap = tapLog(log, (code, fields) => this.#tell(code, fields))
  }

  /** Calls a function with every event from now on; call what it returns to end that. */
  listen(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): void {
    this.#untap()
    this.#listeners.clear()
  }

  #tell(code: LogCode, fields: Readonly<Record<string, unknown>>): void {
    const keys = told.get(code)
    if (keys === undefined) return
    const id = ++this.#last
    if (this.#listeners.size === 0) return
    const shown = keys.flatMap((key) => (fields[key] === undefined ? [] : [[key, plain(fields[key])] as const]))
    const name = code.replaceAll('-', '_')
    const event = { id, name, time: new Date(this.#now()).toISOString(), fields: Object.fromEntries(shown) }
    for (const listener of this.#listeners) listener(event)
  }
}

/** A name, a number or a flag: an event is small, whatever was logged. */
function plain(value: unknown): string | number | boolean | null {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return value
  return escapeForLog(String(value))
}
