import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Case, Place } from './case.ts'
import { componentHeader, serverHeader } from './catalogue/write.ts'

const script = fileURLToPath(new URL('expat.py', import.meta.url))
const MOST_BYTES = 64 * 1024 ** 2

/** Why expat refuses each of the documents; null for one that it takes. A process of its own, with nothing of ours in it. */
export function refusals(documents: readonly Buffer[]): readonly (string | null)[] {
  const input = JSON.stringify(documents.map((document) => document.toString('base64')))
  const { status, stdout, error } = spawnSync('python3', [script], {
    ...{ input, maxBuffer: MOST_BYTES, encoding: 'utf8' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`python3 ${script}: ${error?.message ?? `exit code ${status}`}`)
  return JSON.parse(stdout) as readonly (string | null)[]
}

const before: { readonly [place in Place]: string } = {
  header: '',
  handshake: componentHeader('plays.test'),
  instance: `${componentHeader('plays.test')}<handshake>x</handshake>`,
  'link-header': '',
  'link-handshake': serverHeader('s1'),
  link: `${serverHeader('s1')}<handshake/>`,
}

/** All that the peer has sent when it has sent the case. */
export function documentOf({ at, bytes }: Pick<Case, 'at' | 'bytes'>): Buffer {
  const [place = 'instance'] = at
  return Buffer.concat([Buffer.from(before[place]), bytes])
}
