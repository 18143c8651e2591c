import type { TSchema } from '@sinclair/typebox'
import { schema } from './schema.ts'

interface Row {
  readonly key: string
  readonly type: string
  readonly default: string
  readonly meaning: string
}

/** The README's table of keys, as Markdown with a newline at its end: what a key is called, takes, defaults to and means. */
export function configTable(): string {
  const rows = [...rowsOf(schema, '')]
  const lines = rows.map((row) => `| \`${row.key}\` | ${row.type} | ${row.default} | ${row.meaning} |`)
  return `${['| key | type | default | meaning |', '|---|---|---|---|', ...lines].join('\n')}\n`
}

/** What the keys of a map are, where they are no domains. */
const keyed: Readonly<Record<string, string>> = { instances: 'name', hot_keys: 'key' }

/** The rows of what stands below a schema: groups and lists of groups are walked, anything else is a row. */
function* rowsOf(node: TSchema, key: string, required = false): Generator<Row> {
  const { properties, additionalProperties: entry, items } = node
  if (properties !== undefined) {
    if (node.description !== undefined) yield row(node, key, 'a map', required)
    const needed: readonly string[] = node.required ?? []
    for (const [name, property] of Object.entries<TSchema>(properties)) {
      yield* rowsOf(property, key === '' ? name : `${key}.${name}`, needed.includes(name))
    }
  } else if (typeof entry === 'object') {
    yield row(node, key, 'a map', required)
    yield* rowsOf(entry, `${key}.{${keyed[key.slice(key.lastIndexOf('.') + 1)] ?? 'domain'}}`)
  } else if (items?.properties !== undefined) {
    yield row(node, key, typeOf(node), required)
    yield* rowsOf(items, `${key}[]`)
  } else {
    yield row(node, key, typeOf(node), required)
  }
}

function row(node: TSchema, key: string, type: string, required: boolean): Row {
  const meaning: string = node.description ?? ''
  return { key, type, default: defaultOf(node, required), meaning: meaning.replaceAll('|', '\\|') }
}

function typeOf(node: TSchema): string {
  // A list that says more of itself than that it is one has named its items already.
  return node.expects === 'a list' ? `a list, each ${node.items.expects}` : node.expects
}

function defaultOf(node: TSchema, required: boolean): string {
  if (node.default === undefined) return required ? 'required' : ''
  // The default of a map is that of each key in it, which has its own row.
  if (typeof node.default === 'object') return Array.isArray(node.default) ? 'none' : ''
  return `\`${node.default}\``
}
