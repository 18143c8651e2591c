import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml'
import { type Environment, expand } from './environment.ts'
import type { Path } from './problems.ts'
import { type Fault, parse } from './syntax.ts'

export interface Position {
  readonly line: number
  readonly col: number
}

/** A YAML text as plain values, which remember where they stood. */
export class Source {
  /** Maps are objects without a prototype, so that no key is special. Undefined when it could not be read whole. */
  readonly value: unknown
  readonly faults: readonly Fault[]
  readonly #lines: LineCounter
  readonly #places: ReadonlyMap<string, Place>

  constructor(text: string, environment: Environment) {
    this.#lines = new LineCounter()
    const { document, faults } = parse(text, this.#lines)
    if (document === undefined || faults.length > 0) {
      this.faults = faults
      this.#places = new Map()
      return
    }
    const reader = new Reader(environment, this.#lines)
    const value = reader.read(document.contents, [], 0)
    this.value = reader.exhausted ? undefined : value
    this.faults = reader.faults
    this.#places = reader.places
  }

  /** The offset of a path's key or value; of the nearest thing around it when it is not in the file. */
  offset(path: Path, at: 'key' | 'value'): number {
    const place = this.#places.get(keyOf(path))
    if (place !== undefined) return at === 'key' ? place.key : place.value
    // A missing key is best shown at the key of the map that lacks it.
    return path.length === 0 ? 0 : this.offset(path.slice(0, -1), 'key')
  }

  position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset)
    // The counter says 0:offset for a text without a first line, as an empty one.
    return line === 0 ? { line: 1, col: 1 } : { line, col }
  }

  /** The text as it is in the file, where a variable's value was put in: the value itself may be a secret. */
  unexpanded(path: Path): string | undefined {
    return this.#places.get(keyOf(path))?.unexpanded
  }
}

interface Place {
  readonly key: number
  readonly value: number
  readonly unexpanded?: string
}

/** Bounds on what aliases may multiply to and on what we recurse into; a real file is far below. */
const mostNodes = 100_000
const mostDepth = 32

const keyOf = (path: Path): string => JSON.stringify(path)

class Reader {
  readonly faults: Fault[] = []
  readonly places = new Map<string, Place>()
  /** A bound was met: what was read is not whole. */
  exhausted = false
  readonly #anchors = new Map<string, Node>()
  readonly #environment: Environment
  readonly #lines: LineCounter
  #nodes = 0

  constructor(environment: Environment, lines: LineCounter) {
    this.#lines = lines
    this.#environment = environment
  }

  /** The plain value of a node. `key` is the offset of the key that it stands behind. */
  read(node: Node | null | undefined, path: Path, key: number): unknown {
    const target = this.#target(node)
    const start = (target ?? node)?.range?.[0] ?? key
    if (target === undefined) this.#fault(path, start, 'is an alias of what is not written above it')
    // An empty value has no text to point at; its key has.
    const empty = isScalar(target) && target.value === null && target.source === ''
    this.#place(path, { key: path.length === 0 ? start : key, value: empty ? key : start })
    this.#nodes++
    if (this.#nodes > mostNodes || path.length > mostDepth) this.#exhaust(path, key)
    if (this.exhausted) return undefined
    if (isMap(target)) return this.#readMap(target, path)
    if (isSeq(target)) return target.items.map((item, index) => this.#readItem(item, [...path, index], start))
    return isScalar(target) ? this.#readScalar(target, path, start) : null
  }

  /** What a node stands for: itself, or what its alias names. Anchors are met before their aliases. */
  #target(node: Node | null | undefined): Node | null | undefined {
    if (isAlias(node)) return this.#anchors.get(node.source)
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined
    if (node && anchor !== undefined) this.#anchors.set(anchor, node)
    return node ?? null
  }

  #readItem(item: unknown, path: Path, fallback: number): unknown {
    const node = item as Node
    return this.read(node, path, node.range?.[0] ?? fallback)
  }

  #readMap(node: YAMLMap, path: Path): Record<string, unknown> {
    const result: Record<string, unknown> = Object.create(null)
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const offset = pair.key.range?.[0] ?? node.range?.[0] ?? 0
      const scalar = this.#target(pair.key)
      if (!isScalar(scalar)) {
        this.#fault(path, offset, 'has a map or a list for a key')
        continue
      }
      // As it is written: the key 1.10 is not the number 1.1.
      const name = scalar.source ?? String(scalar.value)
      if (Object.hasOwn(result, name)) this.#duplicate([...path, name], offset)
      else result[name] = this.read(pair.value, [...path, name], offset)
    }
    return result
  }

  #readScalar(node: Scalar, path: Path, start: number): unknown {
    if (typeof node.value !== 'string') return node.value
    const expanded = expand(node.value, this.#environment)
    for (const message of expanded.faults) this.#fault(path, start, message)
    const place = this.places.get(keyOf(path))
    if (expanded.changed && place !== undefined) this.#place(path, { ...place, unexpanded: node.value })
    return expanded.text
  }

  #duplicate(path: Path, offset: number): void {
    const first = this.#lines.linePos(this.places.get(keyOf(path))?.key ?? offset)
    this.faults.push({ path, at: 'key', offset, message: `is written twice, first in line ${first.line}` })
  }

  #exhaust(path: Path, offset: number): void {
    if (!this.exhausted) this.#fault(path, offset, 'is nested too deeply, or makes the file too large')
    this.exhausted = true
  }

  #place(path: Path, place: Place): void {
    this.places.set(keyOf(path), place)
  }

  #fault(path: Path, offset: number, message: string): void {
    this.faults.push({ path, at: 'value', offset, message })
  }
}
