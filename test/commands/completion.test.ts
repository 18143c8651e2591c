import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { completion } from '../../src/commands/completion.ts'
import { commandNames, specOf } from '../../src/commands/table.ts'
import { temporaryFile } from './program.ts'

const shells = ['bash', 'zsh', 'fish'] as const
const listed = commandNames.filter((name) => specOf(name).hidden === undefined)

/** What a shell prints, by a real one without anybody's settings. */
function shell(command: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 30_000 })
  assert.equal(error, undefined, `${command}: ${error?.message}`)
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' })
  return stdout
}

/** What bash completes a line to, as it calls a completion: by words, in which '=' is one of its own. */
function inBash(t: TestContext, line: string): readonly string[] {
  const words = line.split(/ |(=)/).filter((word) => word !== undefined)
  const call = `
    source ${temporaryFile(t, 'switchyard', completion('bash'))}
    [[ $(complete -p switchyard) == *_switchyard* ]] || exit 3
    compopt() { [[ $* == '-o filenames' ]]; }
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _switchyard
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const out = shell('bash', '--norc', '--noprofile', '-c', call, 'bash', ...words)
  return out.split('\n').filter((word) => word !== '')
}

function inFish(t: TestContext, line: string): readonly string[] {
  const file = temporaryFile(t, 'switchyard.fish', completion('fish'))
  const out = shell('fish', '--no-config', '-c', `source ${file}; complete -C '${line}'`)
  // Each with its description behind a tab.
  return out.split('\n').flatMap((row) => (row === '' ? [] : [row.split('\t')[0] ?? '']))
}

/** In a terminal, which zsh's completion needs: all that it shows once Tab has been pressed. */
function inZsh(t: TestContext, line: string, last: string): string {
  const file = temporaryFile(t, '_switchyard', completion('zsh'))
  const setUp = ['PROMPT=; autoload -Uz compinit; compinit -D -u', `source ${file}`, 'setopt no_beep; echo set up']
  const script = `
    zmodload zsh/zpty
    zpty z zsh -f -i
    zpty -w z '${setUp.join('; ').replace('set up', 'set"" up')}'
    zpty -r z shown '*set up*'
    zpty -w -n z $'${line}\\t\\t'
    zpty -r z shown '*${last}*'
    print -r -- $shown
    zpty -d z`
  return shell('zsh', '-f', '-c', script)
}

for (const name of shells) {
  test(`${name} reads its script without complaint, and every command and option is in it`, (t) => {
    const text = completion(name)
    shell(name, '-n', temporaryFile(t, name, text))
    for (const command of listed) {
      assert.match(text, new RegExp(`\\b${command}\\b`))
      for (const option of specOf(command).options) {
        assert.ok(
          text.includes(name === 'fish' ? `-l ${option.name} ` : `--${option.name}`),
          `${command} ${option.name}`,
        )
      }
    }
    for (const command of commandNames.filter((other) => !listed.includes(other))) {
      assert.ok(!text.includes(command), command)
    }
  })
}

for (const [where, complete] of Object.entries({ bash: inBash, fish: inFish })) {
  test(`${where} completes commands, their options, and the files that options take`, (t) => {
    assert.deepEqual(complete(t, 'switchyard sim'), ['simulate'])
    assert.deepEqual(complete(t, 'switchyard --v'), ['--version'])
    assert.deepEqual(complete(t, 'switchyard check --clu'), ['--cluster'])
    assert.deepEqual(complete(t, 'switchyard completion z'), ['zsh'])
    assert.deepEqual(complete(t, 'switchyard help expl'), ['explain'])
    for (const option of ['--config ', '-c ']) {
      assert.deepEqual(complete(t, `switchyard run ${option}/etc/passw`).includes('/etc/passwd'), true, option)
    }
    assert.ok(complete(t, 'switchyard run --config=/etc/passw').some((word) => word.endsWith('/etc/passwd')))
    assert.deepEqual(complete(t, 'switchyard run --config=x --hel'), ['--help'])
    // A number, and a domain: nothing that a shell could know.
    assert.deepEqual(complete(t, 'switchyard demo --seconds /etc/pass'), [])
  })
}

test('bash completes every command of the table, and every option of each', (t) => {
  const commands = inBash(t, 'switchyard ')
  for (const name of listed) {
    assert.ok(commands.includes(name), name)
    const options = inBash(t, `switchyard ${name} --`)
    for (const option of specOf(name).options) assert.ok(options.includes(`--${option.name}`), `${name} ${option.name}`)
  }
})

test('zsh completes commands and options, with what they are for', (t) => {
  const commands = inZsh(t, 'switchyard ', specOf('simulate').does)
  for (const name of listed) assert.ok(commands.includes(specOf(name).does), commands)
  const options = inZsh(t, 'switchyard simulate --', 'a second configuration')
  assert.ok(options.includes('as if N instances were connected (default: one per bucket'), options)
})
