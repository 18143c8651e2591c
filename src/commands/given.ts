import { parseArgs } from 'node:util'
import { nearest, showValue } from '../../config/problems.ts'
import { SwitchyardError } from '../errors.ts'
import { usageLine } from './help.ts'
import { type CommandName, commandNames, commonOptions, type OptionSpec, specOf } from './table.ts'

/** What a command was given, checked against the table. */
export interface Given {
  /** As many as the command has arguments. */
  readonly args: readonly string[]
  /** By name: an option's value, or the empty string for a flag. */
  readonly options: ReadonlyMap<string, string>
}

export type Request =
  | { readonly kind: 'overview' | 'version' }
  | { readonly kind: 'help'; readonly name: CommandName }
  | { readonly kind: 'command'; readonly name: CommandName; readonly given: Given }

/** Reads the arguments of the process. Throws a SwitchyardError `usage` that says what was not understood. */
export function readArguments(argv: readonly string[]): Request {
  const word = commandWord(argv)
  const name = word === undefined ? undefined : commandCalled(word)
  const specs = [...(name === undefined ? [] : specOf(name).options), ...commonOptions]
  const { args, options } = read(argv, specs, name)
  if (options.has('version')) return { kind: 'version' }
  if (name === undefined) {
    if (options.has('help')) return { kind: 'overview' }
    throw new SwitchyardError('usage', 'which command?\n`switchyard --help` lists them')
  }
  const rest = args.slice(1)
  if (name === 'help') {
    if (rest[1] !== undefined) throw refusal(`${showValue(rest[1])} is one argument too many`, name)
    return rest[0] === undefined ? { kind: 'overview' } : { kind: 'help', name: commandCalled(rest[0]) }
  }
  if (options.has('help')) return { kind: 'help', name }
  count(name, rest)
  return { kind: 'command', name, given: { args: rest, options } }
}

/** An option's whole number within bounds; undefined when the option was not given. */
export function wholeNumber(given: Given, option: string, least: number, most: number): number | undefined {
  const text = given.options.get(option)
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value
  throw new SwitchyardError(
    'usage',
    `--${option} must be a whole number from ${least} to ${most}, not ${showValue(text)}`,
  )
}

/** The first word that is neither an option nor its value, whichever command's the options before it are. */
function commandWord(argv: readonly string[]): string | undefined {
  const all = commandNames.flatMap((name) => specOf(name).options)
  const { tokens } = parseArgs({ args: [...argv], options: parserOptions(all), strict: false, tokens: true })
  return tokens.find((token) => token.kind === 'positional')?.value
}

function commandCalled(word: string): CommandName {
  const found = commandNames.find((name) => name === word)
  if (found !== undefined) return found
  const near = nearest(
    word,
    commandNames.filter((name) => specOf(name).hidden === undefined),
  )
  throw new SwitchyardError(
    'usage',
    `there is no command ${showValue(word)}${near === undefined ? '' : `; did you mean ${near}?`}\n\`switchyard --help\` lists them`,
  )
}

function read(
  argv: readonly string[],
  specs: readonly OptionSpec[],
  name: CommandName | undefined,
): { readonly args: readonly string[]; readonly options: ReadonlyMap<string, string> } {
  const { tokens } = parseArgs({ args: [...argv], options: parserOptions(specs), strict: false, tokens: true })
  const args: string[] = []
  const options = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value)
    if (token.kind !== 'option') continue
    const spec = specs.find((option) => option.name === token.name)
    if (spec === undefined) throw refusal(unknown(token.rawName, specs), name)
    const given = { value: token.value, isInline: token.inlineValue === true }
    if (options.has(spec.name)) throw refusal(`--${spec.name} is given twice`, name)
    options.set(spec.name, checkedValue(spec, given, name))
  }
  return { args, options }
}

function parserOptions(specs: readonly OptionSpec[]) {
  return Object.fromEntries(
    specs.map(({ name, short, value }) => {
      const type = value === undefined ? ('boolean' as const) : ('string' as const)
      return [name, short === undefined ? { type } : { type, short }]
    }),
  )
}

function checkedValue(
  { name: option, value: placeholder }: OptionSpec,
  { value, isInline }: { readonly value: string | undefined; readonly isInline: boolean },
  name: CommandName | undefined,
): string {
  if (placeholder === undefined) {
    if (value !== undefined) throw refusal(`--${option} takes no value`, name)
    return ''
  }
  // The next word is its value unless it looks like an option; `--config=-odd.yaml` says that it does not.
  if (value === undefined || value === '' || (!isInline && value.startsWith('-'))) {
    throw refusal(`--${option} needs a value: --${option} ${placeholder}`, name)
  }
  return value
}

function unknown(rawName: string, specs: readonly OptionSpec[]): string {
  const near = nearest(
    rawName.replace(/^-+/, ''),
    specs.map(({ name }) => name),
  )
  return `there is no option ${showValue(rawName)}${near === undefined ? '' : `; did you mean --${near}?`}`
}

function count(name: CommandName, args: readonly string[]): void {
  const wanted = specOf(name).arguments
  for (const [at, { name: argument, choices }] of wanted.entries()) {
    const arg = args[at]
    if (arg !== undefined && choices !== undefined && !choices.includes(arg))
      throw refusal(
        `${argument} must be ${choices.join(', ').replace(/, (?=[^,]*$)/, ' or ')}, not ${showValue(arg)}`,
        name,
      )
  }
  const missing = wanted[args.length]
  if (missing !== undefined) throw refusal(`${missing.name} is missing`, name)
  const extra = args[wanted.length]
  if (extra === undefined) return
  const takesFile = wanted.length === 0 && specOf(name).options.some((option) => option.name === 'config')
  const hint = takesFile ? '; a configuration is given as --config FILE' : ''
  throw refusal(`${showValue(extra)} is one argument too many${hint}`, name)
}

function refusal(what: string, name: CommandName | undefined): SwitchyardError {
  const usage = name === undefined ? '`switchyard --help` says what there is' : usageLine(name)
  return new SwitchyardError('usage', `${what}\n${usage}`)
}
