/** What the campaign needs to know of a stanza. Absent attributes are empty. */
export interface Stanza {
  readonly kind: string
  readonly from: string
  readonly to: string
  readonly id: string
  readonly type: string
  /** The name of the first child; empty without one. */
  readonly child: string
  /** The number that the campaign writes into a payload, as ids of requests are changed on the way. */
  readonly n: string
  /** Of an error; else empty. */
  readonly condition: string
}

export interface ScanHandler {
  header?(id: string): void
  /** Any first-level element, `handshake` and `stream:error` too. */
  stanza(stanza: Stanza): void
  footer?(): void
}

type Draft = { -readonly [name in keyof Stanza]: Stanza[name] }

/**
 * Reads one direction of a component's stream, tag by tag. It knows only what the campaign itself and real servers write
 * (no `>` in an attribute, no CDATA), and shares no code with what it measures.
 */
export class Scanner {
  readonly #handler: ScanHandler
  #rest = ''
  #depth = 0
  #draft: Draft | undefined

  constructor(handler: ScanHandler) {
    this.#handler = handler
  }

  push(chunk: Buffer): void {
    const text = this.#rest + chunk.toString('latin1')
    let at = 0
    for (;;) {
      const start = text.indexOf('<', at)
      const end = start < 0 ? -1 : text.indexOf('>', start)
      if (end < 0) {
        this.#rest = start < 0 ? '' : text.slice(start)
        return
      }
      this.#tag(text.slice(start + 1, end))
      at = end + 1
    }
  }

  #tag(tag: string): void {
    if (tag.startsWith('?')) return
    if (tag.startsWith('/')) return this.#close()
    this.#open(tag)
    if (tag.endsWith('/')) this.#close()
  }

  #open(tag: string): void {
    const name = /^[^\s/]+/.exec(tag)?.[0] ?? ''
    const depth = this.#depth++
    const draft = this.#draft
    if (depth === 0) this.#handler.header?.(attribute(tag, 'id'))
    else if (depth === 1) this.#draft = draftOf(name, tag)
    else if (draft === undefined) return
    else if (depth === 2 && draft.child === '') {
      draft.child = name
      draft.n = attribute(tag, 'n')
    } else if (depth === 2 && name === 'error') draft.child = name
    else if (depth === 3 && draft.child === 'error' && draft.condition === '') draft.condition = name
  }

  #close(): void {
    this.#depth--
    if (this.#depth === 0) this.#handler.footer?.()
    const draft = this.#draft
    if (this.#depth !== 1 || draft === undefined) return
    this.#draft = undefined
    this.#handler.stanza(draft)
  }
}

function draftOf(kind: string, tag: string): Draft {
  const [from, to, id, type] = ['from', 'to', 'id', 'type'].map((name) => attribute(tag, name))
  return { kind, from: from!, to: to!, id: id!, type: type!, child: '', n: '', condition: '' }
}

function attribute(tag: string, name: string): string {
  const start = tag.indexOf(` ${name}=`)
  if (start < 0) return ''
  const value = start + name.length + 2
  return tag.slice(value + 1, tag.indexOf(tag[value]!, value + 1))
}
