import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFile } from '../commands/program.ts'
import { textOf } from '../docs/markdown.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const scripts: Readonly<Record<string, string>> = JSON.parse(textOf('package.json')).scripts
const configuration = 'listen: [{port: 0}]\ndomains: {a.example: {secret: s3cret}}\n'

/** A folder in which `npm start` is that of package.json, but for the configuration. */
function startFolder(t: TestContext): string {
  const start = scripts.start ?? ''
  const yard = temporaryFile(t, 'yard.yaml', configuration)
  assert.ok(start.includes('config/switchyard.yaml'), start)
  const script = `cd '${root}' && ${start.replace('config/switchyard.yaml', yard)}`
  const manifest = JSON.stringify({ name: 'start', private: true, scripts: { start: script } })
  return fileURLToPath(new URL('.', `file://${temporaryFile(t, 'package.json', manifest)}`))
}

test('SIGTERM to the npm of npm start drains the node and leaves no process behind', { timeout: 60_000 }, async (t) => {
  const npm = spawn('npm', ['start'], { cwd: startFolder(t), detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  // A group of its own, so that nothing outlives a failure of this test.
  t.after(() => {
    try {
      process.kill(-(npm.pid ?? assert.fail('npm did not start')), 'SIGKILL')
    } catch {}
  })
  const lines: string[] = []
  let isToldToStop = false
  createInterface({ input: npm.stdout }).on('line', (line) => {
    lines.push(line)
    if (isToldToStop || !line.includes('"code":"ready"')) return
    isToldToStop = true
    npm.kill('SIGTERM')
  })
  // Its output closes when the last process that writes there has ended: npm, the shell and the node.
  await once(npm, 'close')
  assert.ok(isToldToStop, lines.join('\n'))
  const { code } = JSON.parse(lines.at(-1) ?? '')
  assert.equal(code, 'stopped')
})

test('npm start and npm run demo leave no shell between npm and the node, for signals to end at', () => {
  for (const name of ['start', 'demo']) assert.match(scripts[name] ?? '', / && exec node dist\/src\/main\.js /)
})
