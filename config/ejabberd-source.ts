import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair } from 'yaml'
import { reason } from './load.ts'
import { type Problem, showValue } from './problems.ts'
import { parse } from './syntax.ts'

/** Where something stands in ejabberd's files; lines and columns count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly col: number
}

export interface Entry {
  readonly key: string
  readonly place: Place
  readonly value: Value
}

/** A value of ejabberd's configuration, macros replaced, with its place. */
export type Value =
  | { readonly kind: 'map'; readonly place: Place; readonly entries: readonly Entry[] }
  | { readonly kind: 'list'; readonly place: Place; readonly items: readonly Value[] }
  | { readonly kind: 'scalar'; readonly place: Place; readonly text: string }

export interface EjabberdSource {
  /** The top-level options of all files; one that is written several times is there as often. */
  readonly options: readonly Entry[]
  readonly problems: readonly Problem[]
}

/** Bounds on what aliases, macros and inclusions may multiply to; a real configuration is far below. */
const mostNodes = 200_000
const mostDepth = 64
const mostFiles = 200

/**
 * Reads ejabberd's configuration as ejabberd does: files that `include_config_file` names are read in its place, and
 * what `define_macro` or `define_keyword` names is replaced, as a whole value (`NAME`) or in a text (`@NAME@`).
 * @param readFile the text of a file; throws when it cannot be read
 * @param locate a path that stands in a file, as one that can be opened
 */
export function readEjabberd(
  file: string,
  readFile: (path: string) => string,
  locate: (path: string, from: string) => string,
): EjabberdSource {
  const reader = new Reader(readFile, locate)
  const written = reader.file(file, undefined, [])
  const isMacro = ({ key }: Entry) => key === 'define_macro' || key === 'define_keyword'
  const macros = new Map<string, Value>()
  for (const { value } of written.filter(isMacro)) {
    for (const { key, value: meant } of value.kind === 'map' ? value.entries : []) macros.set(key, meant)
  }
  const replacer = new Replacer(macros, reader.report)
  const options = written.filter((entry) => !isMacro(entry)).map((entry) => replacer.entry(entry, 0))
  return { options, problems: reader.problems }
}

class Reader {
  readonly problems: Problem[] = []
  readonly #readFile: (path: string) => string
  readonly #locate: (path: string, from: string) => string
  #nodes = 0
  #files = 0

  constructor(readFile: (path: string) => string, locate: (path: string, from: string) => string) {
    this.#readFile = readFile
    this.#locate = locate
  }

  readonly report = (place: Place, path: string, message: string): void => {
    this.problems.push({ ...place, path, message })
  }

  /** The options of a file and of those that it includes. `named` is where its name stands, `above` the files around it. */
  file(file: string, named: Place | undefined, above: readonly string[]): readonly Entry[] {
    const at = named ?? { file, line: 1, col: 1 }
    const refuse = (message: string): readonly Entry[] => {
      this.report(at, named === undefined ? '(file)' : 'include_config_file', message)
      return []
    }
    if (above.includes(file)) return refuse(`names ${showValue(file)}, which includes this file`)
    if (++this.#files > mostFiles) return refuse(`includes more than ${mostFiles} files`)
    let text: string
    try {
      text = this.#readFile(file)
    } catch (error) {
      return refuse(`${named === undefined ? '' : `names ${showValue(file)}, which `}cannot be read: ${reason(error)}`)
    }
    const entries = this.#options(file, text)
    return entries.flatMap((entry) => {
      if (entry.key !== 'include_config_file') return [entry]
      return this.#included(entry.value).flatMap(({ text, place }) =>
        this.file(this.#locate(text, file), place, [...above, file]),
      )
    })
  }

  #options(file: string, text: string): readonly Entry[] {
    const lines = new LineCounter()
    const { document, faults } = parse(text, lines)
    const placeOf = (offset: number): Place => {
      const { line, col } = lines.linePos(offset)
      return line === 0 ? { file, line: 1, col: 1 } : { file, line, col }
    }
    for (const { offset, message } of faults) this.report(placeOf(offset), '(file)', message)
    if (document === undefined || faults.length > 0 || document.contents === null) return []
    const value = this.#value(document.contents, placeOf, new Map(), 0)
    if (value.kind === 'map') return value.entries
    this.report(value.place, '(file)', 'must be a map of options')
    return []
  }

  /** A name, a list of names, or a map of which each key is one. */
  #included(value: Value): readonly { readonly text: string; readonly place: Place }[] {
    if (value.kind === 'scalar') return [value]
    if (value.kind === 'list') return value.items.flatMap((item) => this.#included(item))
    return value.entries.map(({ key, place, value }) => {
      if (value.kind === 'map' && value.entries.length > 0) {
        this.report(value.place, 'include_config_file', 'restricts what is included, which is not understood here')
      }
      return { text: key, place }
    })
  }

  #value(node: Node | null, placeOf: (offset: number) => Place, anchors: Map<string, Node>, depth: number): Value {
    const target = isAlias(node) ? (anchors.get(node.source) ?? null) : node
    if ((isScalar(target) || isMap(target) || isSeq(target)) && target.anchor !== undefined) {
      anchors.set(target.anchor, target)
    }
    const place = placeOf((node ?? target)?.range?.[0] ?? 0)
    const down = (child: unknown) => this.#value(child as Node | null, placeOf, anchors, depth + 1)
    if (++this.#nodes > mostNodes || depth > mostDepth) {
      if (this.#nodes <= mostNodes + 1) this.report(place, '(file)', 'is nested too deeply, or too large')
      return { kind: 'scalar', place, text: '' }
    }
    if (isSeq(target)) return { kind: 'list', place, items: target.items.map(down) }
    if (!isMap(target))
      return { kind: 'scalar', place, text: isScalar(target) ? textOf(target.value, target.source) : '' }
    const entries = (target.items as Pair<Node, Node | null>[]).map((pair): Entry => {
      const key = isScalar(pair.key) ? textOf(pair.key.value, pair.key.source) : ''
      const at = placeOf(pair.key.range?.[0] ?? 0)
      const value = down(pair.value)
      // An empty value has no text to point at; its key has.
      const isEmpty = pair.value === null || (isScalar(pair.value) && pair.value.source === '')
      return { key, place: at, value: isEmpty ? { ...value, place: at } : value }
    })
    return { kind: 'map', place, entries }
  }
}

/** A number as it is written: the password 0123 is not 123. */
function textOf(value: unknown, source: string | undefined): string {
  return typeof value === 'string' ? value : (source ?? '')
}

class Replacer {
  readonly #macros: ReadonlyMap<string, Value>
  readonly #report: (place: Place, path: string, message: string) => void
  #values = 0

  constructor(macros: ReadonlyMap<string, Value>, report: (place: Place, path: string, message: string) => void) {
    this.#macros = macros
    this.#report = report
  }

  entry({ key, place, value }: Entry, depth: number): Entry {
    return { key: this.#inText(key), place, value: this.#value(value, depth) }
  }

  /** What replaces a name has the name's place: there the reader looks first. */
  #value(value: Value, depth: number): Value {
    const { place } = value
    if (depth > mostDepth || ++this.#values > mostNodes) {
      this.#report(place, 'define_macro', 'a macro that holds itself, or too many of them')
      return { kind: 'scalar', place, text: '' }
    }
    if (value.kind === 'map') return { ...value, entries: value.entries.map((entry) => this.entry(entry, depth + 1)) }
    if (value.kind === 'list') return { ...value, items: value.items.map((item) => this.#value(item, depth + 1)) }
    const macro = this.#macros.get(value.text)
    if (macro !== undefined) return { ...this.#value(macro, depth + 1), place }
    return { ...value, text: this.#inText(value.text) }
  }

  #inText(text: string): string {
    return text.replace(/@([A-Za-z0-9_]+)@/g, (whole, name: string) => {
      const macro = this.#macros.get(name)
      return macro?.kind === 'scalar' ? macro.text : whole
    })
  }
}
