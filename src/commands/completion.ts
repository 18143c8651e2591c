import {
  type ArgumentSpec,
  type CommandName,
  type CommandSpec,
  commandNames,
  commonOptions,
  type OptionSpec,
  specOf,
} from './table.ts'

/** What a shell completes: the commands that people are to know. */
const commands = commandNames.filter((name) => specOf(name).hidden === undefined)
const isFile = (value: string | undefined): boolean => value === 'FILE'

/** The script that has bash, zsh or fish complete `switchyard`, from the table that the help is made from. */
export function completion(shell: string): string {
  if (shell === 'bash') return bash()
  return shell === 'zsh' ? zsh() : fish()
}

/** `help` takes any command. */
function choicesOf(name: CommandName): readonly string[] {
  return name === 'help' ? commands : argumentsOf(name).flatMap(({ choices }) => choices ?? [])
}

function argumentsOf(name: CommandName): readonly ArgumentSpec[] {
  return specOf(name).arguments
}

function optionsOf(name: CommandName): readonly OptionSpec[] {
  const help = commonOptions.filter((option) => option.name === 'help')
  return [...specOf(name).options, ...help]
}

function spellings({ name, short }: OptionSpec): readonly string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`]
}

function takesFile({ arguments: args }: CommandSpec): boolean {
  return args.some((argument) => isFile(argument.name))
}

function bash(): string {
  const words = (name: CommandName) => [...choicesOf(name), ...optionsOf(name).flatMap(spellings)].join(' ')
  const valued = (name: CommandName, ofFiles: boolean) =>
    specOf(name)
      .options.filter(({ value }) => value !== undefined && isFile(value) === ofFiles)
      .flatMap((option) => spellings(option).map((spelling) => `'${name} ${spelling}'`))
  const anyValued = new Set(
    commands.flatMap((name) =>
      specOf(name)
        .options.filter(({ value }) => value !== undefined)
        .flatMap(spellings),
    ),
  )
  const arm = (patterns: readonly string[], action: string) =>
    patterns.length === 0 ? [] : [`    ${patterns.join(' | ')}) ${action} ;;`]
  const common = commonOptions.flatMap(spellings)
  return [
    '# Has bash complete switchyard; made by: switchyard completion bash',
    '_switchyard_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }',
    '_switchyard_files() {',
    '  compopt -o filenames',
    '  mapfile -t COMPREPLY < <(compgen -f -- "$cur")',
    '}',
    '_switchyard() {',
    `  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= i`,
    "  # --config=FILE comes as three words: '=' is one of bash's word breaks.",
    `  if [[ $cur == '=' ]]; then cur=; elif [[ $prev == '=' ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi`,
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    `    case \${COMP_WORDS[i]} in`,
    ...arm([...anyValued], `[[ \${COMP_WORDS[i + 1]} == '=' ]] && ((i++)); ((i++))`).map((line) => `  ${line}`),
    '      -*) ;;',
    `      *) command=\${COMP_WORDS[i]}; break ;;`,
    '    esac',
    '  done',
    '  COMPREPLY=()',
    '  case "$command $prev" in',
    ...arm(
      commands.flatMap((name) => valued(name, true)),
      '_switchyard_files; return',
    ),
    ...arm(
      commands.flatMap((name) => valued(name, false)),
      'return',
    ),
    '  esac',
    '  case $command in',
    `    '') _switchyard_words '${[...commands, ...common].join(' ')}' ;;`,
    ...commands.map((name) => {
      const files = takesFile(specOf(name)) ? `if [[ $cur != -* ]]; then _switchyard_files; return; fi; ` : ''
      return `    ${name}) ${files}_switchyard_words '${words(name)}' ;;`
    }),
    '  esac',
    '}',
    'complete -F _switchyard switchyard',
    '',
  ].join('\n')
}

function zsh(): string {
  const option = (spec: OptionSpec) => {
    const names = spellings(spec)
    const value = spec.value === undefined ? '' : `:${spec.value}:${isFile(spec.value) ? '_files' : ' '}`
    const means = `[${spec.means.replaceAll(/[\\[\]:]/g, '\\$&')}]${value}`
    return names.length === 1
      ? quoted(`${names[0]}${means}`)
      : `${quoted(`(${names.join(' ')})`)}{${names.join(',')}}${quoted(means)}`
  }
  const argument =
    (name: CommandName) =>
    ({ name: label }: ArgumentSpec) => {
      const choices = choicesOf(name)
      if (choices.length > 0) return quoted(`:${label}:(${choices.join(' ')})`)
      return quoted(`:${label}:${isFile(label) ? '_files' : ' '}`)
    }
  const described = (name: CommandName) => quoted(`${name}:${specOf(name).does}`)
  return [
    '#compdef switchyard',
    '# Has zsh complete switchyard; made by: switchyard completion zsh',
    '_switchyard() {',
    '  local curcontext=$curcontext state line',
    '  local -a commands=(',
    ...commands.map((name) => `    ${described(name)}`),
    '  )',
    `  _arguments -C ${commonOptions.map(option).join(' ')} '1: :->command' '*:: :->rest'`,
    '  case $state in',
    '    command) _describe command commands ;;',
    '    rest)',
    '      case $words[1] in',
    ...commands.map((name) => {
      const all = [...optionsOf(name).map(option), ...argumentsOf(name).map(argument(name))]
      return `        ${name}) _arguments ${all.join(' ')} ;;`
    }),
    '      esac ;;',
    '  esac',
    '}',
    // Called as a completion it is autoloaded; read as a file it announces itself.
    'if [[ $funcstack[1] == _switchyard ]]; then _switchyard "$@"; else compdef _switchyard switchyard; fi',
    '',
  ].join('\n')
}

function fish(): string {
  const line = (when: string, rest: readonly string[]) =>
    ['complete', '-c', 'switchyard', '-n', quoted(when), ...rest].join(' ')
  const option = (when: string, { name, short, value, means }: OptionSpec) =>
    line(when, [
      ...(short === undefined ? [] : ['-s', short]),
      ...['-l', name],
      ...(value === undefined ? [] : isFile(value) ? ['-r', '-F'] : ['-x']),
      ...['-d', quoted(means)],
    ])
  return [
    '# Has fish complete switchyard; made by: switchyard completion fish',
    'complete -c switchyard -f',
    ...commands.map((name) => line('__fish_use_subcommand', ['-a', name, '-d', quoted(specOf(name).does)])),
    ...commonOptions.map((spec) => option('__fish_use_subcommand', spec)),
    ...commands.flatMap((name) => {
      const when = `__fish_seen_subcommand_from ${name}`
      const choices = choicesOf(name)
      return [
        ...optionsOf(name).map((spec) => option(when, spec)),
        ...(choices.length > 0 ? [line(when, ['-a', quoted(choices.join(' '))])] : []),
        ...(takesFile(specOf(name)) ? [line(when, ['-F'])] : []),
      ]
    }),
    '',
  ].join('\n')
}

/** Zsh and fish both read it as it is; neither takes an apostrophe in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`
}
