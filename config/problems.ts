/** Where in the configuration: the keys and list indexes from the top. */
export type Path = readonly (string | number)[]

/** One thing that is wrong with a configuration file. */
export interface Problem {
  readonly file: string
  /** Both count from 1. */
  readonly line: number
  readonly col: number
  /** As `formatPath` writes it. */
  readonly path: string
  /** For people. Names the offending value, unless it is a secret or may be one. */
  readonly message: string
}

/** A problem before its position is known. */
export interface Complaint {
  readonly path: Path
  readonly message: string
  /** Whether the key itself is wrong, or what stands behind it. */
  readonly at: 'key' | 'value'
}

/** `listen[0].port`, `domains."echo.localhost".secret`; `(file)` for the file as a whole. */
export function formatPath(path: Path): string {
  if (path.length === 0) return '(file)'
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else text += (text === '' ? '' : '.') + (/^[A-Za-z_][\w-]*$/.test(step) ? step : printable(step))
  }
  return text
}

export function formatProblem(problem: Problem): string {
  const { file, line, col, path, message } = problem
  return `${file}:${line}:${col} ${path}: ${message}`
}

const shownCharacters = 60

/** A value as a message shows it: short, on one line, nothing of what is inside a map or a list. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (typeof value === 'string') return printable(value)
  if (typeof value === 'object') return showKind(value)
  return String(value)
}

/** What sort of thing a value is, where the value itself may be a secret in the wrong place. */
export function showKind(value: unknown): string {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  const kinds = { object: 'a map', string: 'a string', number: 'a number', boolean: 'true or false' } as const
  const kind = typeof value
  return kind in kinds ? kinds[kind as keyof typeof kinds] : 'something else'
}

/** In quotes, cut to a readable length, with whatever would move a terminal's cursor escaped. */
function printable(text: string): string {
  const short = text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text
  // JSON escapes C0 only; C1, line separators and direction marks would reach the terminal.
  return JSON.stringify(short).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (mark) => {
    return `\\u${(mark.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}

/** The candidate that someone who typed `word` most likely meant; undefined when none is near. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined
  // One slip in a short word, two in a longer one: more would suggest what nobody meant.
  let bound = word.length > 4 ? 3 : 2
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate, bound)
    if (distance < bound) {
      best = candidate
      bound = distance
    }
  }
  return best
}

/** Levenshtein's distance, by rows; `bound` when the lengths alone say that it is at least that. */
function editDistance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) >= bound) return bound
  let above = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 0; i < a.length; i++) {
    const row = [i + 1]
    for (let j = 0; j < b.length; j++) {
      const replaced = (above[j] ?? 0) + (a[i] === b[j] ? 0 : 1)
      row.push(Math.min(replaced, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1))
    }
    above = row
  }
  return above[b.length] ?? bound
}
