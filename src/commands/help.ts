import {
  type CommandName,
  type CommandSpec,
  commandNames,
  commonOptions,
  exitStatus,
  type OptionSpec,
  specOf,
} from './table.ts'

/** As wide as a terminal that nobody has widened. */
const WIDTH = 80

const common: readonly OptionSpec[] = [{ name: 'help', short: 'h', means: 'print this' }]

/** What `switchyard --help` prints: every command in a line. Ends with a newline. */
export function overview(): string {
  const commands = commandNames.filter((name) => specOf(name).hidden === undefined)
  return [
    'Switchyard stands between XMPP servers and external components (XEP-0114):',
    'many instances of one component, which look like one to the server.',
    '',
    'usage: switchyard COMMAND [options]',
    '',
    ...columns(commands.map((name) => [name, specOf(name).does])),
    '',
    ...columns(commonOptions.map((option) => [spelling(option), option.means])),
    '',
    'New here? `switchyard demo` shows in ten seconds what it does.',
    ...wrapped(`Exit codes: ${exitStatus.map(([code, means]) => `${code} ${means}`).join(', ')}.`, WIDTH),
    '',
  ].join('\n')
}

/** What `switchyard help NAME` prints. Ends with a newline. */
export function commandHelp(name: CommandName): string {
  const spec = specOf(name)
  const options = [...spec.options, ...common]
  const lines = [`switchyard ${name}: ${spec.does}`, '', usageLine(name)]
  for (const paragraph of spec.about) lines.push('', ...wrapped(paragraph, WIDTH))
  if (spec.arguments.length > 0) {
    lines.push('', ...columns(spec.arguments.map(({ name: argument, means }) => [argument, means])))
  }
  lines.push('', ...columns(options.map((option) => [spelling(option), option.means])), '')
  return lines.join('\n')
}

/** `usage: switchyard explain FROM TO [--config FILE] [--json]` */
export function usageLine(name: CommandName): string {
  const spec: CommandSpec = specOf(name)
  const options = spec.options.map(
    (option) => `[--${option.name}${option.value === undefined ? '' : ` ${option.value}`}]`,
  )
  return ['usage: switchyard', name, ...spec.arguments.map((argument) => argument.name), ...options].join(' ')
}

/** `-c, --config FILE` */
export function spelling({ name, short, value }: OptionSpec): string {
  const flag = `${short === undefined ? '    ' : `-${short}, `}--${name}`
  return value === undefined ? flag : `${flag} ${value}`
}

/** Two columns, the second one wrapped. */
function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const left = Math.max(...rows.map(([first]) => first.length)) + 4
  return rows.flatMap(([first, second]) =>
    wrapped(second, WIDTH - left).map((line, index) => `${(index === 0 ? `  ${first}` : '').padEnd(left)}${line}`),
  )
}

function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
