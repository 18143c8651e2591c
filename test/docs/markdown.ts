import { readFileSync } from 'node:fs'

const root = new URL('../../', import.meta.url)

/** A fenced block: of ```` ```yaml switchyard ````, the language and what the README marks it as ('' for most). */
export interface Block {
  readonly language: string
  readonly mark: string
  readonly text: string
}

/** The text of a file of the repository. */
export function textOf(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

export function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\S*) ?(.*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', mark = '', text = '']) => ({
      language,
      mark,
      text,
    }),
  )
}

/** The one block of a document that bears a mark. */
export function marked(markdown: string, mark: string): string {
  const found = blocksOf(markdown).filter((block) => block.mark === mark)
  const [block] = found
  if (block === undefined || found.length > 1) throw new Error(`${found.length} blocks are marked ${mark}`)
  return block.text
}

/** The section below a heading, up to the next one of its own level or above. */
export function sectionOf(markdown: string, heading: string): string {
  const level = heading.slice(0, heading.indexOf(' '))
  const start = markdown.indexOf(`\n${heading}\n`)
  if (start < 0) throw new Error(`no heading is called ${heading}`)
  const rest = markdown.slice(start + heading.length + 2)
  const next = rest.search(new RegExp(`^#{1,${level.length}} `, 'm'))
  return next < 0 ? rest : rest.slice(0, next)
}

/** The first cells of a table's rows, where they are code. */
export function firstCells(text: string): readonly string[] {
  return [...text.matchAll(/^\| `([^`]+)`/gm)].map(([, cell = '']) => cell)
}

/** The name that GitHub gives a heading as a link's target. */
export function anchorOf(heading: string): string {
  const plain = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
  return plain.trim().replaceAll(/\s/g, '-')
}
