import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { textOf } from '../docs/markdown.ts'
import { StubInstance } from '../stub/instance.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const exec = promisify(execFile)
const { version } = JSON.parse(textOf('package.json'))

interface Locked {
  readonly version: string
  readonly integrity: string
  readonly license: string
  readonly dev?: boolean
}

/** What is read of a CycloneDX document. */
interface Bill {
  readonly bomFormat: string
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } }
  readonly components: readonly {
    readonly name: string
    readonly version: string
    readonly purl: string
    readonly licenses: readonly { readonly license: { readonly id: string } }[]
    readonly hashes: readonly { readonly content: string }[]
  }[]
}

const folder = mkdtempSync(join(tmpdir(), 'switchyard-package-'))
const prefix = join(folder, 'prefix')
const installed = join(prefix, 'lib/node_modules/switchyard')
const program = join(prefix, 'bin/switchyard')
let packed: readonly string[] = []
/** What npm said while it installed. */
let said = ''

const papers = ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'THIRD-PARTY.md']

/** As people do it: `npm pack` in a checkout that is built, and `npm install -g` of what comes of it. */
before(
  async () => {
    const options = ['--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder]
    const { stdout } = await exec('npm', ['pack', ...options], { cwd: root })
    const [pack] = JSON.parse(stdout)
    packed = pack.files.map(({ path }: { readonly path: string }) => path)
    const quiet = ['--offline', '--no-audit', '--no-fund', '--loglevel=warn']
    const install = ['install', '--global', '--prefix', prefix, ...quiet, join(folder, pack.filename)]
    said = (await exec('npm', install, { cwd: folder })).stderr
  },
  { timeout: 240_000 },
)
after(() => rmSync(folder, { recursive: true, force: true }))

/** From a folder of its own, with nothing of the checkout in reach. */
async function run(...args: readonly string[]): Promise<string> {
  return (await exec(program, args, { cwd: folder })).stdout
}

test('the package holds a closed list of files, and every kind of it has what it should', () => {
  const kinds: readonly (readonly [RegExp, readonly string[]])[] = [
    [/^(package\.json|LICENSE|(README|CHANGELOG|SECURITY|THIRD-PARTY)\.md)$/, ['package.json', 'LICENSE', ...papers]],
    [/^dist\/sbom\.cdx\.json$/, ['dist/sbom.cdx.json']],
    [/^dist\/(src|balancing|config)\/[\w/.-]+\.js(\.map)?$/, ['dist/src/main.js', 'dist/config/schema.js']],
    [/^dist\/src\/xmpp\/assembly\/express\.wasm$/, ['dist/src/xmpp/assembly/express.wasm']],
    [/^dist\/src\/admin\/[\w/.-]+\.(html|css|js|svg)$/, []],
    [/^dist\/man\/switchyard\.1$/, ['dist/man/switchyard.1']],
    [/^config\/(switchyard|examples\/[\w-]+)\.yaml$/, ['config/switchyard.yaml', 'config/examples/cluster.yaml']],
    [/^packaging\/switchyard@\.service$/, ['packaging/switchyard@.service']],
    [/^docs\/[\w/-]+\.(md|png)$/, ['docs/installing.md']],
    [/^(balancing|dashboards)\/README\.md$/, ['balancing/README.md', 'dashboards/README.md']],
    [/^dashboards\/[\w-]+\.(json|ya?ml)$/, []],
  ]
  for (const path of packed.filter((path) => !path.startsWith('node_modules/')))
    assert.ok(
      kinds.some(([kind]) => kind.test(path)),
      `${path} is in the package`,
    )
  for (const [, needed] of kinds) for (const path of needed) assert.ok(packed.includes(path), `${path} is missing`)
  for (const file of readdirSync(join(root, 'docs'))) assert.ok(packed.includes(`docs/${file}`), file)
})

test('what is installed is what the tests run with, to the version, and fits the oldest Node that is promised', () => {
  const lock: Readonly<Record<string, { version: string; dev?: boolean }>> = JSON.parse(
    textOf('package-lock.json'),
  ).packages
  const wanted = Object.entries(lock).filter(([path, { dev }]) => path !== '' && dev !== true)
  assert.ok(wanted.length > 50)
  const found = wanted.map(([path]) => [
    path,
    JSON.parse(readFileSync(join(installed, path, 'package.json'), 'utf8')).version,
  ])
  assert.deepEqual(
    found,
    wanted.map(([path, { version }]) => [path, version]),
  )
  assert.doesNotMatch(said, /EBADENGINE/)
  for (const path of packed) {
    const [name] = /^node_modules\/.*(?=\/package\.json$)/.exec(path) ?? []
    if (name !== undefined && /(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/.test(name)) assert.ok(name in lock, name)
  }
})

test('the bill of materials that is installed names every bundled package, at the version and with the hash of the lock', () => {
  const bill: Bill = JSON.parse(readFileSync(join(installed, 'dist/sbom.cdx.json'), 'utf8'))
  assert.deepEqual([bill.bomFormat, bill.metadata.component.name], ['CycloneDX', 'switchyard'])
  assert.equal(bill.metadata.component.version, version)
  const lock: Readonly<Record<string, Locked>> = JSON.parse(textOf('package-lock.json')).packages
  const wanted = Object.entries(lock).filter(([path, { dev }]) => path !== '' && dev !== true)
  const named = new Map(bill.components.map((one) => [`${one.name}@${one.version}`, one]))
  for (const [path, { version, integrity, license }] of wanted) {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const component = named.get(`${name}@${version}`) ?? assert.fail(`${name}@${version} is not in the bill`)
    assert.match(component.purl, /^pkg:npm\//)
    assert.equal(component.licenses[0]?.license.id, license, name)
    assert.equal(`sha512-${Buffer.from(component.hashes[0]?.content ?? '', 'hex').toString('base64')}`, integrity, name)
  }
  const bundled = new Set(wanted.map(([path]) => path.slice(path.lastIndexOf('node_modules/') + 13)))
  for (const { name } of bill.components) assert.ok(bundled.has(name), `${name} is in the bill, and not in the release`)
})

test('what is installed says its version, checks the configuration that comes with it, and has its manual page', async () => {
  assert.equal(await run('--version'), `${version}\n`)
  assert.match(await run('check', '--config', join(installed, 'config/switchyard.yaml')), /echo\.localhost/)
  const page = readFileSync(join(prefix, 'share/man/man1/switchyard.1'), 'utf8')
  assert.equal(page, await run('man'))
  assert.match(await run('completion', 'bash'), /complete -F _switchyard switchyard/)
})

test('what is installed serves, with its express scanner, and stops', { timeout: 60_000 }, async (t) => {
  const path = join(folder, 'yard.yaml')
  writeFileSync(
    path,
    'listen: [{port: 0}]\ndomains: {a.test: {secret: swordfish}}\nadmin: {port: 0}\ndrain: {seconds: 0}\n',
  )
  const child = spawn(program, ['run', '--config', path], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const codes: string[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const { code, ports } = JSON.parse(line)
    codes.push(code)
    if (code !== 'ready') continue
    const instance = await StubInstance.join(ports[0], 'a.test')
    await instance.leave()
    child.kill('SIGTERM')
  }
  if (child.exitCode === null) await once(child, 'exit')
  assert.equal(child.exitCode, 0)
  assert.ok(codes.includes('instance-joined') && !codes.includes('scanner-plain'), codes.join())
  assert.equal(codes.at(-1), 'stopped')
})

test('the demo of what is installed runs', { timeout: 60_000 }, async () => {
  assert.match(await run('demo', '--seconds', '3'), / 0 {2}lost\n/)
})
