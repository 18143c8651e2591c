import { spread } from './statistics.ts'

export interface Measure {
  readonly key: string
  readonly unit: string
  readonly digits?: number
  /** Shown as median, minimum and maximum; otherwise the median alone. */
  readonly spread?: boolean
}

/** What one subject showed, once per round, by the measures' keys. */
export interface Series {
  readonly subject: string
  readonly rounds: readonly Readonly<Record<string, number>>[]
}

export interface Table {
  readonly title: string
  readonly measures: readonly Measure[]
  readonly series: readonly Series[]
  /** For each of these subjects a column: the median of `key`, by the subject's median. */
  readonly ratios?: { readonly key: string; readonly to: readonly string[] }
  readonly notes?: readonly string[]
}

/** The median of one measure; undefined when the subject or the measure is not there. */
export function medianOf(table: Table, subject: string, key: string): number | undefined {
  const rounds = table.series.find((series) => series.subject === subject)?.rounds ?? []
  const values = rounds.map((round) => round[key]).filter((value) => value !== undefined)
  return values.length === 0 ? undefined : spread(values).median
}

/** Above so much CPU of others, in % of one core, a subject's figures are marked. */
const FOREIGN = 10
const MARK = '~'

/** Whether others used the machine while a subject was measured. */
export function isDisturbed(table: Table, subject: string): boolean {
  return (medianOf(table, subject, 'foreign') ?? 0) > FOREIGN
}

/** The table as lines of text, or of Markdown. */
export function render(table: Table, markdown: boolean): string {
  const head = ['', ...table.measures.flatMap(headings), ...ratioHeadings(table)]
  const rows = table.series.map(({ subject }) => [
    isDisturbed(table, subject) ? `${subject} ${MARK}` : subject,
    ...table.measures.flatMap((measure) => cells(table, subject, measure)),
    ...ratioCells(table, subject),
  ])
  const isMarked = rows.some(([subject]) => subject?.endsWith(MARK))
  const mark = `${MARK}: measured while others used more than ${FOREIGN} % of a core (median of the rounds).`
  const notes = [...(table.notes ?? []), ...(isMarked ? [mark] : [])]
  if (markdown) {
    const lines = [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows]
    return [`### ${table.title}\n`, ...lines.map((row) => `| ${row.join(' | ')} |`), '', ...notes].join('\n')
  }
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ')
  return [`\n${table.title}`, line(head), ...rows.map(line), ...notes.map((note) => `  ${note}`)].join('\n')
}

function headings({ unit, spread: isSpread }: Measure): readonly string[] {
  return isSpread ? [unit, 'min', 'max'] : [unit]
}

function cells(table: Table, subject: string, { key, digits = 0, spread: isSpread }: Measure): readonly string[] {
  const rounds = table.series.find((series) => series.subject === subject)?.rounds ?? []
  const values = rounds.map((round) => round[key]).filter((value) => value !== undefined)
  if (values.length === 0) return isSpread ? ['', '', ''] : ['']
  const { median, min, max } = spread(values)
  return (isSpread ? [median, min, max] : [median]).map((value) => show(value, digits))
}

function ratioHeadings({ ratios }: Table): readonly string[] {
  return (ratios?.to ?? []).map((name) => `× ${name}`)
}

function ratioCells(table: Table, subject: string): readonly string[] {
  const { ratios } = table
  if (ratios === undefined) return []
  const own = medianOf(table, subject, ratios.key)
  return ratios.to.map((name) => {
    const other = medianOf(table, name, ratios.key)
    return own === undefined || other === undefined ? '' : show(own / other, 2)
  })
}

/** Thousands apart by spaces. */
function show(value: number, digits: number): string {
  if (!Number.isFinite(value)) return ''
  const [whole = '', part] = value.toFixed(digits).split('.')
  const spaced = whole.replaceAll(/\B(?=(\d{3})+$)/g, ' ')
  return part === undefined ? spaced : `${spaced}.${part}`
}
