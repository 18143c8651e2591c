import { spelling, usageLine } from './help.ts'
import { type CommandName, commandNames, commonOptions, exitStatus, purpose, specOf } from './table.ts'

/** The manual page switchyard(1), in the macros of man(7), from the table that the help is made from. */
export function manual(version: string): string {
  const commands = commandNames.filter((name) => specOf(name).hidden === undefined)
  const lines = [
    // Without a date, so that equal sources give equal pages.
    `.TH SWITCHYARD 1 "" "Switchyard ${escaped(version)}" "Switchyard"`,
    '.SH NAME',
    `switchyard \\- ${escaped(purpose)}`,
    '.SH SYNOPSIS',
    '.B switchyard',
    '.I COMMAND',
    '[options]',
    '.SH DESCRIPTION',
    'Many instances of one component connect to Switchyard; to the XMPP server they look like one component.',
    'For each stanza it picks one instance, by the criteria that ejabberd calls domain_balancing.',
    '.SH COMMANDS',
    ...commands.flatMap(section),
    '.SH OPTIONS',
    ...entries(commonOptions.map((option) => [spelling(option).trim(), option.means])),
    '.SH EXIT STATUS',
    ...entries(exitStatus.map(([code, means]) => [`${code}`, means])),
    '.SH FILES',
    ...entries([['switchyard.yaml', 'the configuration, where --config names no other; the README lists its keys']]),
    '.SH ENVIRONMENT',
    ...entries([
      ['NOTIFY_SOCKET, WATCHDOG_USEC', 'set by systemd: run tells it that the node serves, reloads, stops and lives'],
    ]),
    `Any other variable may be named in the configuration, as \${NAME}.`,
    '',
  ]
  return lines.join('\n')
}

function section(name: CommandName): readonly string[] {
  const { does, about, arguments: args, options } = specOf(name)
  return [
    `.SS ${escaped(usageLine(name).replace('usage: switchyard ', ''))}`,
    `${sentence(escaped(does))}.`,
    ...about.flatMap((paragraph) => ['.PP', protect(escaped(paragraph))]),
    ...entries(args.map((argument) => [argument.name, argument.means])),
    ...entries(options.map((option) => [spelling(option).trim(), option.means])),
  ]
}

function entries(rows: readonly (readonly [string, string])[]): readonly string[] {
  return rows.flatMap(([term, means]) => ['.TP', `.B ${escaped(term)}`, protect(escaped(means))])
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** A backslash would begin a request amid a line, and a plain hyphen would not be the one that people type. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll(/[^\x20-\x7e]/gu, (character) => `\\[u${codeOf(character)}]`)
}

/** As groff has it: at least four capital digits. */
function codeOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
}

/** A line that begins so would be a request. */
function protect(text: string): string {
  return /^[.']/.test(text) ? `\\&${text}` : text
}
