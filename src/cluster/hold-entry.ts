import type { StoredEntry } from '../journal.ts'

/** The form of an entry; another one is not read but left alone. */
const VERSION = '1'
const names = ['v', 'since', 'deaths', 'stanzas', 'bytes'] as const

/** The fields of an entry of a Redis stream, names and values in turn. The stanzas are their own bytes, one after the other. */
export function encodeEntry({ since, deaths, stanzas, bytes }: StoredEntry): (string | Buffer)[] {
  return ['v', VERSION, 'since', `${since}`, 'deaths', `${deaths}`, 'stanzas', `${stanzas}`, 'bytes', bytes]
}

/** The reverse; undefined for fields that are not of this form. */
export function decodeEntry(id: string, fields: readonly Buffer[]): StoredEntry | undefined {
  if (fields.length !== names.length * 2) return undefined
  if (!names.every((name, index) => fields[index * 2]?.toString('latin1') === name)) return undefined
  const [version, since, deaths, stanzas] = [1, 3, 5, 7].map((index) => fields[index]?.toString('latin1') ?? '')
  const bytes = fields[9]
  if (version !== VERSION || bytes === undefined || bytes.length === 0) return undefined
  const entry = { id, since: numberOf(since), deaths: numberOf(deaths), stanzas: numberOf(stanzas), bytes }
  const isWhole = Number.isInteger(entry.deaths) && Number.isInteger(entry.stanzas) && entry.stanzas > 0
  return isWhole && Number.isFinite(entry.since) ? entry : undefined
}

/** A decimal number, not negative; anything else is no number. */
function numberOf(text: string | undefined): number {
  return text !== undefined && /^\d{1,16}(\.\d{1,20})?$/.test(text) ? Number(text) : Number.NaN
}
