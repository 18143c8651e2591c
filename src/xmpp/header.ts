import { COLUMNS } from './attributes.ts'
import { ns } from './namespaces.ts'
import { decodeValue } from './references.ts'
import type { Scopes } from './scopes.ts'
import type { Source } from './source.ts'
import type { TagScanner } from './tag.ts'

/** The opening tag of the peer's stream, references decoded. */
export interface StreamHeader {
  /** The local name. */
  readonly name: string
  /** Namespace of the element itself. */
  readonly namespace: string
  /** Default namespace that it declares ('' when none). */
  readonly content: string
  readonly to: string | undefined
  readonly from: string | undefined
  readonly id: string | undefined
  readonly version: string | undefined
}

/** Reads the header from the tag that the scopes have just opened. */
export function readHeader(source: Source, tag: TagScanner, scopes: Scopes): StreamHeader {
  const text = (start: number, end: number) =>
    source.buffer.toString('utf8', source.origin + start, source.origin + end)
  const values = new Map<string, string>()
  for (let row = 0; row < tag.count * COLUMNS; row += COLUMNS) {
    const [nameStart = 0, nameEnd = 0, , valueStart = 0, valueEnd = 0] = tag.attributes.subarray(row, row + COLUMNS)
    values.set(text(nameStart, nameEnd), decodeValue(text(valueStart, valueEnd)))
  }
  const content = values.get('xmlns') ?? ''
  const prefix = tag.colon < 0 ? '' : text(tag.nameStart, tag.colon)
  return {
    name: text(tag.colon < 0 ? tag.nameStart : tag.colon + 1, tag.nameEnd),
    namespace: prefix === '' ? content : namespaceOf(prefix, scopes),
    content,
    to: values.get('to'),
    from: values.get('from'),
    id: values.get('id'),
    version: values.get('version'),
  }
}

function namespaceOf(prefix: string, { bindings }: Scopes): string {
  return prefix === 'xml' ? ns.xml : bindings.uri(bindings.find(prefix))
}
