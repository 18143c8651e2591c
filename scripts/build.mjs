// dist/ as the sources have it, its manual page and bill of materials, and the WebAssembly that they load from beside themselves.
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { run, say } from './steps.mjs'
import { bundledPackages } from './third-party.mjs'

// What tsconfig.build.json includes, and all else that decides what comes out.
const FOLDERS = ['src', 'balancing', 'config', 'types']
const FILES = [
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'scripts/build.mjs',
  'scripts/third-party.mjs',
]
const STAMP = 'dist/.sources'
const MAIN = 'src/main.js'
// AssemblyScript, which tsc leaves alone; its WebAssembly lies beside it, so that the sources find it where dist/ does.
const ASSEMBLY = 'src/xmpp/assembly/express.ts'
const WASM = 'src/xmpp/assembly/express.wasm'
const NO_ASSETS = /\.ts$|\.wasm$|\/tsconfig\.json$/

export function build({ force = false } = {}) {
  const stamp = digest()
  const present = existsSync(STAMP)
  const whole = [STAMP, WASM, join('dist', WASM)].every((file) => existsSync(file))
  if (!force && whole && readFileSync(STAMP, 'utf8') === stamp) return
  say(`${present ? (force ? 'as asked' : 'dist is older than the sources') : 'dist is missing'}: asc, tsc`)
  // Built beside and swapped in whole: a build that fails, or one that runs at the same time, leaves no half of a dist.
  const fresh = `dist-${process.pid}`
  try {
    run('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', fresh])
    assemble(fresh)
    copyAssets(fresh)
    writeManual(fresh)
    writeBillOfMaterials(fresh)
    chmodSync(join(fresh, MAIN), 0o755)
    writeFileSync(join(fresh, '.sources'), stamp)
    rmSync('dist', { recursive: true, force: true })
    renameSync(fresh, 'dist')
    cpSync(join('dist', WASM), WASM)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

/** Into the new dist/ first: what fails later must not leave it beside sources that it is not of. */
function assemble(fresh) {
  const options = ['-O3', '--noAssert', '--runtime', 'stub', '--enable', 'simd', '--memoryBase', '64']
  run('node_modules/.bin/asc', [ASSEMBLY, '--outFile', join(fresh, WASM), ...options])
}

/** Where package.json says that `man` finds it. */
function writeManual(fresh) {
  mkdirSync(join(fresh, 'man'))
  writeFileSync(join(fresh, 'man/switchyard.1'), run(process.execPath, [join(fresh, MAIN), 'man']))
}

/**
 * What the release holds of others' (CycloneDX), from the lock. npm's own --omit dev leaves out what development needs, too, and
 * npm calls the whole by the name of the folder that it is in; time and serial number go, so that the same sources give the same file.
 */
function writeBillOfMaterials(fresh) {
  const { name } = JSON.parse(readFileSync('package.json', 'utf8'))
  const bundled = new Set(bundledPackages(readFileSync('package-lock.json', 'utf8')).map(({ id }) => id))
  const kind = ['--sbom-format', 'cyclonedx', '--sbom-type', 'application']
  const bill = JSON.parse(run('npm', ['sbom', ...kind, '--package-lock-only']))
  delete bill.serialNumber
  delete bill.metadata.timestamp
  const { component } = bill.metadata
  component.name = name
  bill.components = bill.components.filter(({ name, version }) => bundled.has(`${name}@${version}`))
  const kept = new Set([component['bom-ref'], ...bill.components.map((one) => one['bom-ref'])])
  bill.dependencies = bill.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => kept.has(other)) }))
  writeFileSync(join(fresh, 'sbom.cdx.json'), `${JSON.stringify(bill, null, 2)}\n`)
}

/** By content, so that a deleted file counts and a new checkout's times do not. */
function digest() {
  const hash = createHash('sha256')
  for (const file of [...FILES, ...FOLDERS.flatMap(filesUnder).filter((file) => !file.endsWith('.wasm'))]) {
    const content = readFileSync(file)
    hash.update(`${file}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex')
}

/** What tsc leaves behind: pages and scripts that the code reads from beside itself. */
function copyAssets(fresh) {
  for (const file of filesUnder('src')) if (!NO_ASSETS.test(file)) cpSync(file, join(fresh, file))
}

function filesUnder(folder) {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
