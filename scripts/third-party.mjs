// node scripts/third-party.mjs: writes THIRD-PARTY.md, the list of what is bundled with a release and under which licence, from
// package-lock.json. A test holds the one against the other. The texts of the licences lie in each package's folder.
import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { root } from './steps.mjs'

/** What may be passed on with a program under Apache-2.0 without further conditions than to name it. */
const ALLOWED = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']

/** What is bundled, from the text of package-lock.json: `{id: name@version, name, version, license}`. */
export function bundledPackages(lock) {
  const bundled = Object.entries(JSON.parse(lock).packages).filter(([path, { dev }]) => path !== '' && dev !== true)
  return bundled.map(([path, { version, license }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    return { id: `${name}@${version}`, name, version, license }
  })
}

/** The list, from the text of package-lock.json. Throws an Error that names a package whose licence will not do. */
export function thirdParty(lock) {
  const rows = bundledPackages(lock).map(({ id, name, version, license }) => {
    if (!ALLOWED.includes(license)) throw new Error(`${id}: the licence ${license ?? 'is missing'}`)
    return `| ${name} | ${version} | ${license} |`
  })
  return [
    '# What is bundled',
    '',
    'A release holds these packages, each with the text of its licence in its folder below `node_modules/`. Written by',
    '`node scripts/third-party.mjs` from `package-lock.json`. `dist/sbom.cdx.json` (CycloneDX) has the same with their hashes.',
    '',
    '| package | version | licence |',
    '|---|---|---|',
    ...[...new Set(rows)].sort(),
    '',
  ].join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.chdir(root)
  writeFileSync('THIRD-PARTY.md', thirdParty(readFileSync('package-lock.json', 'utf8')))
}
