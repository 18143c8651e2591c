import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, posix } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { textOf } from '../docs/markdown.ts'
import { freePort } from '../peers/ports.ts'

/**
 * The Dockerfile without an engine: its instructions are read, and done in order, each stage in a folder of its own
 * and with this machine's Node in place of the image's. What an engine adds (base image, layers, isolation) is not seen.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))
const world = mkdtempSync(join(tmpdir(), 'switchyard-container-'))
after(() => rmSync(world, { recursive: true, force: true }))

interface Instruction {
  readonly name: string
  readonly text: string
}

interface Stage {
  readonly name: string
  readonly base: string
  readonly instructions: readonly Instruction[]
}

/** Comments left out, and lines that go on joined. */
const instructions: readonly Instruction[] = textOf('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => {
    const [, name = '', text = ''] = /^([A-Z]+) (.+)$/.exec(line) ?? assert.fail(line)
    return { name, text }
  })

const stages: readonly Stage[] = instructions.flatMap(({ name, text }, at) => {
  if (name !== 'FROM') return []
  const [, base = '', stage = `${at}`] = /^(\S+)(?: AS (\S+))?$/.exec(text) ?? assert.fail(text)
  const next = instructions.findIndex((instruction, index) => index > at && instruction.name === 'FROM')
  return [{ name: stage, base, instructions: instructions.slice(at + 1, next < 0 ? undefined : next) }]
})
const [build = assert.fail(), image = assert.fail()] = stages

function all(stage: Stage, name: string): readonly string[] {
  return stage.instructions.filter((instruction) => instruction.name === name).map(({ text }) => text)
}

/** The JSON form of a command; the last one counts. */
function command(name: string): readonly string[] {
  const text = all(image, name).at(-1) ?? assert.fail(name)
  return JSON.parse(text.slice(text.indexOf('[')))
}

/** Whether .dockerignore lets an engine see a path of the checkout: the last pattern that matches decides. */
function isSent(path: string): boolean {
  const patterns = textOf('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  let isIgnored = false
  for (const pattern of patterns) {
    const text = pattern.replace(/^!/, '')
    const expression = text
      .replaceAll('.', '\\.')
      .replaceAll('**/', '(?:.*/)?')
      .replaceAll(/(?<!\.)\*/g, '[^/]*')
    if (new RegExp(`^${expression}(?:/|$)`).test(path)) isIgnored = !pattern.startsWith('!')
  }
  return !isIgnored
}

/** Does what a stage says; returns where its root is. */
function perform(stage: Stage): string {
  const base = join(world, stage.name)
  let folder = '/'
  const within = (path: string): string => join(base, posix.resolve(folder, path))
  mkdirSync(base, { recursive: true })
  for (const { name, text } of stage.instructions) {
    if (name === 'WORKDIR') {
      folder = posix.resolve(folder, text)
      mkdirSync(within('.'), { recursive: true })
    } else if (name === 'COPY') copy(text, within)
    else if (name === 'RUN') run(text, within('.'))
    else assert.ok(['ENV', 'USER', 'EXPOSE', 'STOPSIGNAL', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD'].includes(name), name)
  }
  return base
}

function copy(text: string, within: (path: string) => string): void {
  const [, from, rest = ''] = /^(?:--from=(\S+) )?(.+)$/.exec(text) ?? assert.fail(text)
  const words = rest.split(' ')
  const target = words.pop() ?? ''
  for (const source of words) {
    // Into a folder, or as what the target is called.
    const to = within(target.endsWith('/') ? join(target, basename(source)) : target)
    const options = { recursive: true, filter: (path: string) => from !== undefined || isSent(path.slice(root.length)) }
    if (from === undefined) assert.ok(isSent(source), `.dockerignore hides ${source}`)
    cpSync(from === undefined ? join(root, source) : join(world, from, source), to, options)
    assert.ok(existsSync(to), `${source} was not copied`)
  }
}

function run(text: string, cwd: string): void {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, npm_config_prefer_offline: 'true' }
  execFileSync('sh', ['-c', text], { cwd, env, stdio: ['ignore', 'ignore', 'inherit'] })
}

test('the image is of two stages of one base, runs as a user that is not root, and is stopped by SIGTERM', () => {
  assert.equal(stages.length, 2)
  assert.equal(build.base, image.base)
  const [, major = ''] = /^node:(\d+)-/.exec(image.base) ?? []
  assert.ok(Number(major) >= 20, image.base)
  const [user = ''] = all(image, 'USER')
  assert.match(user, /^[1-9]\d*:[1-9]\d*$/)
  assert.deepEqual(all(image, 'STOPSIGNAL'), ['SIGTERM'])
  assert.deepEqual(all(image, 'RUN'), [])
})

test('nothing of a checkout but what is built goes to the engine', () => {
  for (const path of ['test/main.test.ts', '.git/config', 'node_modules/yaml/package.json', '.env', 'secrets/echo']) {
    assert.ok(!isSent(path), path)
  }
  for (const path of ['src/main.ts', 'config/schema.ts', 'package.json']) assert.ok(isSent(path), path)
})

test('its steps, done in order, give a program that serves as that user, is found healthy, and stops', {
  timeout: 240_000,
}, async (t) => {
  perform(build)
  const base = perform(image)
  assert.ok(!existsSync(join(base, 'opt/switchyard/node_modules/typescript')), 'development packages are left out')
  const admin = await freePort()
  const etc = join(base, 'etc/switchyard')
  mkdirSync(etc, { recursive: true })
  writeFileSync(
    join(etc, 'switchyard.yaml'),
    `node: box\nlisten: [{port: 0}]\ndomains: {a.test: {secret: x}}\nadmin: {port: ${admin}}\ndrain: {seconds: 0}\n`,
  )
  // Otherwise the temporary folder is its owner's alone.
  chmodSync(world, 0o755)
  const [uid = 0, gid = 0] = (all(image, 'USER')[0] ?? '').split(':').map(Number)
  const isRoot = process.getuid?.() === 0
  const options = {
    ...(isRoot ? { uid, gid } : {}),
    cwd: join(base, all(image, 'WORKDIR')[0] ?? ''),
    env: { PATH: process.env.PATH, NODE_ENV: 'production', SWITCHYARD_ADMIN_PORT: `${admin}` },
  }
  const inside = (word: string): string => (word.startsWith('/') ? join(base, word) : word)
  const [entry = '', ...words] = [...command('ENTRYPOINT'), ...command('CMD')].map(inside)
  const [check = '', ...checked] = command('HEALTHCHECK')
  const isHealthy = (): boolean => spawnSync(check, checked, options).status === 0
  assert.ok(!isHealthy())
  const child = spawn(entry, words, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line)
    if (!line.includes('"code":"ready"')) continue
    assert.ok(isHealthy())
    child.kill('SIGTERM')
  }
  if (child.exitCode === null) await once(child, 'exit')
  assert.equal(child.exitCode, 0, lines.join('\n'))
})
