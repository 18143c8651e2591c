import type { Answers } from './answering.ts'
import { keyOf, sides } from './answering.ts'
import { type Case, type Place, places } from './case.ts'

const servers = ['Switchyard', 'Prosody', 'ejabberd', 'jabberd2'] as const
const heading = `| at | case | expected | expat | ${servers.join(' | ')} |`
const rule = `|${' --- |'.repeat(4 + servers.length)}`

/** What stands between the two marks of a part of README.md. */
export function part(readme: string, name: string): string {
  const [begin, end] = marks(name)
  const from = readme.indexOf(begin)
  const to = readme.indexOf(end)
  if (from < 0 || to < from) throw new Error(`README.md has no part ${name}`)
  return readme.slice(from + begin.length, to).trim()
}

export function withPart(readme: string, name: string, text: string): string {
  const [begin, end] = marks(name)
  return readme.replace(`${begin}${between(readme, begin, end)}${end}`, () => `${begin}\n${text}\n${end}`)
}

function marks(name: string): readonly [begin: string, end: string] {
  return [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
}

function between(readme: string, begin: string, end: string): string {
  return readme.slice(readme.indexOf(begin) + begin.length, readme.indexOf(end))
}

/** The columns of the servers, as they are. */
export function readAnswers(readme: string): ReadonlyMap<string, Answers> {
  const columns = new Map(servers.map((name) => [name, new Map<string, string>()]))
  for (const line of part(readme, 'answers').split('\n')) {
    const cells = cellsOf(line)
    const [at = '', name = ''] = cells
    if (!sides.includes(at as never)) continue
    for (const [index, server] of servers.entries()) columns.get(server)?.set(`${at}: ${name}`, cells[4 + index] ?? '')
  }
  return columns
}

/** README.md with the table of what each has answered. */
export function writeAnswers(readme: string, cases: readonly Case[], answers: ReadonlyMap<string, Answers>): string {
  const rows = places.flatMap((place) =>
    cases
      .filter(({ at }) => at.includes(place))
      .map((one) => {
        const said = servers.map((server) => answers.get(server)?.get(keyOf(place, one)) ?? '')
        return `${beginningOf(place, one)} | ${said.join(' | ')} |`
      }),
  )
  return withPart(readme, 'answers', [...summary(cases, answers), '', heading, rule, ...rows].join('\n'))
}

/** What a case's row begins with: all that the catalogue says. */
export function beginningOf(place: Place, { name, answer, expat }: Case): string {
  return `| ${[place, cell(name), answer, expat].join(' | ')}`
}

/** How many of the cases each has answered as the catalogue says, let pass what it refuses, or not survived. */
function summary(cases: readonly Case[], answers: ReadonlyMap<string, Answers>): readonly string[] {
  const lines = [
    `| of the cases that a component can send | ${servers.join(' | ')} |`,
    `|${' --- |'.repeat(1 + servers.length)}`,
  ]
  const all = sides.flatMap((side) =>
    cases.filter(({ at }) => at.includes(side)).map((one) => ({ one, key: keyOf(side, one) })),
  )
  const count = (server: string, isSo: (said: string, one: Case) => boolean): number =>
    all.filter(({ one, key }) => isSo(answers.get(server)?.get(key) ?? '', one)).length
  const line = (what: string, isSo: (said: string, one: Case) => boolean): void => {
    lines.push(`| ${what} | ${servers.map((server) => count(server, isSo)).join(' | ')} |`)
  }
  line('answered as expected', (said, { answer }) => said === answer)
  line(
    'refused with another stream error',
    (said, { answer }) => said !== answer && /^[a-z]+-[a-z-]+$/.test(said) && answer !== 'passes',
  )
  line('let through, and refused here', (said, { answer }) => said === 'passes' && answer !== 'passes')
  line('refused, and let through here', (said, { answer }) => answer === 'passes' && said !== 'passes' && said !== '')
  line('did not survive', (said) => said.includes('dies'))
  return [`${all.length} cases of a component, ${cases.length} in all.`, '', ...lines]
}

/** Nothing in a name may end a cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

function cellsOf(line: string): readonly string[] {
  return line
    .slice(2, -2)
    .split(/ (?<!\\)\| /)
    .map((text) => text.replaceAll('&lt;', '<').replaceAll('\\|', '|'))
}
