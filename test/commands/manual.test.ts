import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { overview } from '../../src/commands/help.ts'
import { manual } from '../../src/commands/manual.ts'
import { commandNames, commonOptions, exitStatus, specOf } from '../../src/commands/table.ts'

/** The page as groff sets it, and what it warns of: all that it knows to. */
function format(roff: string, ...args: readonly string[]): { readonly page: string; readonly warnings: string } {
  const options = ['-man', '-ww', '-Tutf8', '-rLL=1000n', ...args]
  const { stdout, stderr, error } = spawnSync('groff', options, { input: roff, encoding: 'utf8' })
  assert.equal(error, undefined, error?.message)
  // What a terminal would show, without bold and underlining (by codes or by overstriking), and with one kind of hyphen.
  const escapes = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m|.${String.fromCharCode(8)}`, 'gu')
  return { page: stdout.replaceAll(escapes, '').replaceAll(/[‐−]/g, '-').replaceAll(/\s+/g, ' '), warnings: stderr }
}

test('groff sets the manual page without a warning', () => {
  assert.equal(format(manual('1.2.3')).warnings, '')
})

test('the manual page has every command, argument and option of the table, and no hidden command', () => {
  const { page } = format(manual('1.2.3'))
  for (const name of commandNames) {
    const spec = specOf(name)
    assert.equal(page.includes(` ${name} `), spec.hidden === undefined, name)
    if (spec.hidden) continue
    const told = [...spec.about, ...[...spec.arguments, ...spec.options].flatMap(({ name, means }) => [name, means])]
    for (const text of told) assert.ok(page.includes(text.replaceAll(/\s+/g, ' ')), text)
  }
  for (const { name, means } of commonOptions) assert.ok(page.includes(`--${name} ${means}`), name)
  for (const [code, means] of exitStatus) assert.ok(page.includes(`${code} ${means}`), means)
  assert.ok(page.includes('Switchyard 1.2.3'))
})

test('the help has the exit codes of the manual page', () => {
  for (const [code, means] of exitStatus)
    assert.ok(overview().replaceAll('\n', ' ').includes(`${code} ${means}`), means)
})
