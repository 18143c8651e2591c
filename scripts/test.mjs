// npm test [-- WHAT ...]: lint, types and every test but the benchmarks, with one summary. WHAT narrows it to some of
// lint, types, page-types, unit, a folder under test/ (interop, e2e, fuzz, ...) or the path of a file.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { root } from './steps.mjs'

// Quick and narrow first: what breaks there explains what breaks later.
const LAST = ['contracts', 'fuzz', 'hostile', 'packaging', 'interop', 'e2e', 'chaos', 'soak', 'page']
const NOT_TESTS = ['bench']

const STEPS = {
  lint: ['node_modules/.bin/biome', ['check', '.']],
  types: ['node_modules/.bin/tsc', ['--noEmit', '-p', 'tsconfig.json']],
  'page-types': ['node_modules/.bin/tsc', ['--noEmit', '-p', 'test/page/tsconfig.json']],
}

process.chdir(root)
const words = process.argv.slice(2)
const files = selectFiles(words)
const steps = Object.entries(STEPS).filter(([name]) => words.length === 0 || words.includes(name))
if (files.length > 0) steps.push(['tests', [process.execPath, ['--import', 'tsx', 'scripts/run-tests.mjs', ...files]]])

const results = steps.map(([name, [command, args]]) => {
  console.log(`\n=== ${name}`)
  const started = performance.now()
  const { status, signal, error } = spawnSync(command, args, { stdio: 'inherit' })
  const why = error?.message ?? signal ?? `exit code ${status}`
  return { name, seconds: (performance.now() - started) / 1000, outcome: status === 0 ? 'ok' : `FAILED (${why})` }
})

console.log('\n=== summary')
for (const { name, seconds, outcome } of results) {
  console.log(`${name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s  ${outcome}`)
}
process.exitCode = results.every(({ outcome }) => outcome === 'ok') ? 0 : 1

/** The test files that the words name, in the order in which they run. */
function selectFiles(words) {
  const all = testFiles()
  if (words.length === 0) return all
  const chosen = new Set()
  for (const word of words.filter((word) => !Object.hasOwn(STEPS, word))) {
    const found = existsSync(word) && word.endsWith('.ts') ? [pathOf(word)] : all.filter((file) => isIn(file, word))
    if (found.length === 0) usage(word)
    for (const file of found) chosen.add(file)
  }
  return [...chosen]
}

function testFiles() {
  const found = readdirSync('test', { recursive: true })
    .map((name) => `test/${name.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('.test.ts') && !NOT_TESTS.includes(folderOf(file)))
    .sort()
  const rank = (file) => LAST.indexOf(folderOf(file))
  return found.sort((a, b) => rank(a) - rank(b))
}

function isIn(file, word) {
  return word === 'unit' ? !LAST.includes(folderOf(file)) : folderOf(file) === word
}

/** `test/e2e/x.test.ts` -> `e2e`; of a file directly in test/, its own name. */
function folderOf(file) {
  return file.split('/')[1]
}

function pathOf(word) {
  return relative(root, resolve(word))
}

function usage(word) {
  const folders = [...new Set(testFiles().map(folderOf))].filter((name) => !name.endsWith('.ts'))
  console.error(
    `npm test: nothing is called ${word}; there are lint, types, page-types, unit, ${folders.join(', ')}, and paths of files`,
  )
  process.exit(2)
}
