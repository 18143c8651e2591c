// node_modules as package-lock.json has it.
import { existsSync, readFileSync } from 'node:fs'
import { run, say } from './steps.mjs'

// npm writes down here what it has installed.
const INSTALLED = 'node_modules/.package-lock.json'

export function installDependencies() {
  const reason = whyInstall()
  if (reason === undefined) return
  say(`${reason}: npm ci`)
  // The compiler is a development dependency: needed even where NODE_ENV is production. No package here needs its scripts.
  run('npm', ['ci', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
}

/** By content, because a checkout gives every file a new time. */
function whyInstall() {
  if (!existsSync(INSTALLED)) return 'node_modules is missing'
  const wanted = packages('package-lock.json')
  const installed = packages(INSTALLED)
  for (const [path, { version, integrity, optional }] of Object.entries(wanted)) {
    if (path === '') continue
    const found = installed[path]
    // Optional ones are for other platforms.
    if (found === undefined && optional) continue
    if (found?.version !== version || found?.integrity !== integrity)
      return `${path} is not as package-lock.json has it`
  }
  const surplus = Object.keys(installed).find((path) => wanted[path] === undefined)
  return surplus === undefined ? undefined : `${surplus} is not in package-lock.json`
}

function packages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages
}
