import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { schema } from '../../config/schema.ts'
import { exitCodes } from '../../src/errors.ts'
import { textOf } from '../docs/markdown.ts'

const unit = textOf('packaging/switchyard@.service')

/** As systemd would have it: the file of an instance. */
function instance(t: TestContext, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-unit-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, `switchyard@${name}.service`)
  writeFileSync(path, unit)
  return path
}

function analyze(...args: readonly string[]): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr, error } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
  assert.equal(error, undefined)
  return { status, text: `${stdout}${stderr}` }
}

/** All values of a setting of the unit. */
function values(setting: string): readonly string[] {
  return [...unit.matchAll(new RegExp(`^${setting}=(.*)$`, 'gm'))].map(([, value = '']) => value)
}

test('systemd finds nothing wrong with the unit of a core', (t) => {
  // The manual page is there once the package is installed.
  assert.deepEqual(analyze('verify', '--man=no', instance(t, '0')), { status: 0, text: '' })
})

test('an instance that is no core is refused by systemd, so it does see what core each is for', (t) => {
  assert.match(analyze('verify', '--man=no', instance(t, 'x')).text, /CPU affinity/)
})

test('systemd rates the exposure of the service at 1.5 of 10 at most', (t) => {
  const { status, text } = analyze('security', '--offline=true', '--no-pager', '--threshold=15', instance(t, '0'))
  assert.equal(status, 0, text)
})

test('the service has the time to drain, and to show a sign of life', () => {
  const [stop] = values('TimeoutStopSec')
  const drain: number = schema.properties.drain.properties.seconds.default
  assert.ok(Number(stop) > 2 * drain, `${stop} and ${drain}`)
  assert.ok(Number(values('WatchdogSec')[0]) >= 10)
  assert.deepEqual(values('Type'), ['notify'])
  assert.deepEqual(values('NotifyAccess'), ['all'])
})

test('a usage error is not tried again, and nothing else is given up', () => {
  assert.deepEqual(values('RestartPreventExitStatus'), [`${exitCodes.usage}`])
  assert.deepEqual(values('Restart'), ['always'])
})
