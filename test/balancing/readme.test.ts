import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const read = (path: string | URL) => readFileSync(path, 'utf8')
const here = fileURLToPath(new URL('.', import.meta.url))

test('every law in balancing/README.md is a property test, and the other way round', () => {
  const stated = [...read(new URL('../../balancing/README.md', import.meta.url)).matchAll(/^- (law: .+)$/gm)]
  const files = readdirSync(here).filter((name) => name.endsWith('.test.ts') && name !== 'readme.test.ts')
  const sources = [...files.map((name) => read(here + name)), read(new URL('../xmpp/jid.test.ts', import.meta.url))]
  const tested = sources.flatMap((source) => [...source.matchAll(/^test\('(law: .+?)',/gm)])
  const titles = (found: typeof stated) => found.map(([, title]) => title).sort()
  assert.deepEqual(titles(stated), titles(tested))
})
