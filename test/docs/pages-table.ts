import { readdirSync } from 'node:fs'
import { textOf } from './markdown.ts'

/** In the order in which somebody new wants them; what is not among them comes after, by name. */
const FIRST = [
  'installing',
  'prosody',
  'ejabberd',
  'openfire',
  'mongooseim',
  'from-ejabberd',
  'choosing-a-key',
  'tuning',
]

/** The pages in docs/, by file name without extension. */
export const pages: readonly string[] = readdirSync(new URL('../../docs/', import.meta.url))
  .filter((name) => name.endsWith('.md') && name !== 'README.md')
  .map((name) => name.slice(0, -'.md'.length))
  .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))

/** The pages as a table in Markdown: title, and the first sentence. */
export function pagesTable(): string {
  const rows = pages.map((name) => {
    const [heading = '', opening = ''] = textOf(`docs/${name}.md`).split(/\n\n/)
    const sentence = /^.*?[.](?=\s|$)/s.exec(opening)?.[0] ?? opening
    return `| [${heading.replace(/^# /, '')}](${name}.md) | ${sentence.replaceAll(/\s+/g, ' ')} |`
  })
  return ['| page | is about |', '|---|---|', ...rows].join('\n')
}

function rank(name: string): number {
  const at = FIRST.indexOf(name)
  return at < 0 ? FIRST.length : at
}
