import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../config/load.ts'
import { formatProblem } from '../config/problems.ts'
import { commandNames } from '../src/commands/table.ts'
import { bounceReasons } from '../src/counters.ts'
import { instanceStates } from '../src/instance.ts'
import { metricsTable } from '../src/metrics.ts'
import { stanzaErrors } from '../src/xmpp/stanza-error.ts'
import { anchorOf, blocksOf, marked, sectionOf, textOf } from './docs/markdown.ts'
import { documents, withTables } from './docs/tables.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = textOf('README.md')
const all = [
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'balancing/README.md',
  'dashboards/README.md',
  ...textFilesOf('docs').filter((path) => path.endsWith('.md')),
  'test/bench/README.md',
  'test/fuzz/README.md',
  'test/soak/README.md',
]
const { version, scripts, files, bin } = JSON.parse(textOf('package.json'))

/** What npm itself does. */
const ofNpm: ReadonlySet<string> = new Set(['install', 'pack', 'root'])

/** What stands between backticks, and in blocks of shell commands. */
function codeOf(markdown: string): readonly string[] {
  const shell = blocksOf(markdown).filter(({ language }) => language === 'sh' || language === 'console')
  const prose = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '')
  return [...[...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code), ...shell.map(({ text }) => text)]
}

for (const [path, tables] of Object.entries(documents)) {
  test(`the tables of ${path} are those of the sources (node --import tsx test/docs/write.ts writes them)`, () => {
    const text = textOf(path)
    assert.equal(text, withTables(text, tables))
  })
}

test('every metric that a document names exists', () => {
  const known = new Set([...metricsTable().matchAll(/`(switchyard_\w+)/g)].map(([, name]) => name))
  for (const path of [...all, ...textFilesOf('dashboards')]) {
    for (const [name] of textOf(path).matchAll(/\bswitchyard_[a-z_]+\b/g)) {
      assert.ok(known.has(name.replace(/_(?:bucket|sum|count)$/, '')), `${path}: ${name}`)
    }
  }
})

test('every whole configuration in the README and in docs/ is valid', () => {
  const blocks = [readme, textOf('docs/installing.md')].flatMap(blocksOf)
  const whole = blocks.filter(({ language, mark }) => language === 'yaml' && mark.startsWith('switchyard'))
  assert.ok(whole.length > 0)
  const exported = readme.matchAll(/^export (\w+)=(\S+)$/gm)
  const env = {
    ...Object.fromEntries([...exported].map(([, name, value]) => [name, value])),
    ...{ SWITCHYARD_NODE: 'box-0', CREDENTIALS_DIRECTORY: '/run/credentials/switchyard@0.service' },
  }
  for (const { text } of whole) {
    // Secrets that systemd hands over are the only files.
    const readFile = (path: string) => (path.startsWith('/run/credentials/') ? 's3cret' : assert.fail(path))
    const { problems } = loadConfig(text, { file: 'README.md', env, hostname: 'box', readFile })
    assert.deepEqual((problems ?? []).map(formatProblem), [])
  }
})

test('the layout names what is there, and every file directly in src', () => {
  const named = layoutOf(marked(readme, 'layout'))
  for (const path of named) assert.ok(existsSync(join(root, path)), path)
  const inSrc = readdirSync(join(root, 'src'), { withFileTypes: true })
  for (const entry of inSrc) {
    const path = `src/${entry.name}${entry.isDirectory() ? '/' : ''}`
    assert.ok(named.includes(path), `the layout lacks ${path}`)
  }
})

test('every path and every command that a document names exists', () => {
  for (const path of all) {
    for (const code of codeOf(textOf(path))) {
      // From the root, but for names without a folder, which are of the document's own.
      for (const [name] of code.matchAll(/(?<![\w/.])(?:src|balancing|config|dashboards|test|scripts)\/[\w./-]*/g)) {
        assert.ok(existsSync(join(root, name)), `${path}: ${name}`)
      }
      for (const [, script = ''] of code.matchAll(/\bnpm (?:run )?([a-z]+)/g)) {
        assert.ok(script in scripts || ofNpm.has(script), `${path}: npm ${script}`)
      }
      for (const [, command = ''] of code.matchAll(/(?:^|\n)(?:\$ )?switchyard ([a-z]+)/g)) {
        assert.ok(
          commandNames.some((name) => name === command),
          `${path}: switchyard ${command}`,
        )
      }
    }
  }
})

test('every link to a file or a heading leads there', () => {
  for (const path of all) {
    for (const [, target = ''] of textOf(path).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file = '', anchor] = target.split('#')
      const found = file === '' ? path : normalize(join(dirname(path), file))
      assert.ok(existsSync(join(root, found)), `${path}: ${target}`)
      if (anchor === undefined) continue
      const headings = [...textOf(found).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading))
      assert.ok(headings.includes(anchor), `${path}: ${target}`)
    }
  }
})

test('bounces are told with conditions and reasons that exist, and instances with their states', () => {
  const failing = sectionOf(readme, '## How it fails')
  for (const [, type = '', condition = '', reasons = ''] of failing.matchAll(/^\| `(\w+)\/([\w-]+)` \| (.*) \|$/gm)) {
    assert.equal(Object.entries(stanzaErrors).find(([name]) => name === condition)?.[1], type, condition)
    for (const [, reason = ''] of reasons.split(';')[0]!.matchAll(/`(\w+)`/g))
      assert.ok(reason in bounceReasons, reason)
  }
  const watching = sectionOf(readme, '## Administration')
  for (const state of instanceStates) assert.ok(watching.includes(`\`${state}\``), state)
})

test('the changelog begins with what is unreleased, and knows the version', () => {
  const [first, ...released] = [...textOf('CHANGELOG.md').matchAll(/^## \[(.+?)\]/gm)].map(([, name]) => name)
  assert.equal(first, 'Unreleased')
  // Before the first release there is only what will be in it.
  if (released.length > 0) assert.equal(released[0], version)
})

test('the package holds what it needs and nothing of the tests', () => {
  const command = ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error']
  const [pack] = JSON.parse(
    execFileSync('npm', command, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  )
  const packed: readonly string[] = pack.files.map(({ path }: { readonly path: string }) => path)
  const examples = textFilesOf('config/examples')
  const page = readdirSync(join(root, 'src/admin/page'))
    .filter((name) => !name.endsWith('.ts'))
    .map((name) => `dist/src/admin/page/${name}`)
  const needed = ['README.md', 'CHANGELOG.md', 'LICENSE', 'package.json', 'config/switchyard.yaml', ...examples]
  for (const path of [...needed, 'balancing/README.md', 'dashboards/README.md', bin.switchyard, ...page]) {
    assert.ok(packed.includes(path), `the package lacks ${path}`)
  }
  for (const path of packed) assert.doesNotMatch(path, /^(?:dist\/)?(?:test|scripts)\//)
  assert.match(readFileSync(join(root, 'src/main.ts'), 'utf8'), /^#!\/usr\/bin\/env node\n/)
  assert.ok(files.includes('dist') && bin.switchyard === 'dist/src/main.js')
})

/** Of a drawing of folders and files, two spaces to a level: the paths, folders with a slash at their end. */
function layoutOf(drawing: string): readonly string[] {
  const paths: string[] = []
  let folder = ''
  for (const line of drawing.trimEnd().split('\n')) {
    const depth = line.search(/\S/)
    // Names come first, separated by one space; what they are for is further right.
    const names = line
      .trim()
      .split(/ {2,}/)[0]!
      .split(' ')
      .filter((name) => /^[\w-]+(?:\.ts|\/)$/.test(name))
    if (depth === 0) folder = names[0] ?? ''
    paths.push(...names.map((name) => (depth === 0 ? name : folder + name)))
  }
  return paths
}

function textFilesOf(folder: string): readonly string[] {
  const found = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  return found.filter((name) => /\.\w+$/.test(name)).map((name) => `${folder}/${name}`)
}
