import type { LoadOptions } from '../../config/load.ts'
import { type ExitCode, exitCodes, SwitchyardError } from '../errors.ts'
import { hostToDial } from './ask-node.ts'
import { configured } from './configured.ts'
import { type Given, wholeNumber } from './given.ts'

/** What the command needs from the process. */
export interface SampleIo extends Omit<LoadOptions, 'file'> {
  stdout(text: string): void
  stderr(text: string): void
}

const USUAL_SECONDS = 10
const MOST_SECONDS = 600
/** How much longer than the sample a node may take to answer, in milliseconds: as long as the others of its cluster may. */
const PATIENCE_MILLISECONDS = 60_000

/** `switchyard sample`: has a running node look at a domain's stanzas, and prints what it has seen. Throws `input-refused`. */
export async function sample(path: string, given: Given, io: SampleIo): Promise<ExitCode> {
  const domain = given.options.get('domain')
  if (domain === undefined) throw new SwitchyardError('usage', 'which domain? say --domain DOMAIN')
  const seconds = wholeNumber(given, 'seconds', 1, MOST_SECONDS) ?? USUAL_SECONDS
  const { base, token } = nodeOf(path, given.options.get('node'), io)
  const query = new URLSearchParams({ seconds: String(seconds), hashed: String(given.options.has('hashed')) })
  const url = `${base}/v1/domains/${encodeURIComponent(domain)}/sample?${query}`
  const text = await asked(url, token, base, seconds * 1000 + PATIENCE_MILLISECONDS)
  const { nodes, silent, stanzas, kept }: Readonly<Record<string, unknown>> = { ...JSON.parse(text) }
  io.stdout(`${text}\n`)
  const missing = Array.isArray(silent) && silent.length > 0 ? `; nothing from ${silent.join(', ')}` : ''
  const seen = stanzas === 0 ? `no stanza was seen in ${seconds} s` : `${stanzas} stanzas, ${kept} of them kept`
  io.stderr(`switchyard: ${seen}, at ${String(nodes)}${missing}\n`)
  return exitCodes.done
}

/** The node behind the configuration's admin port, or the one that is named, with the token of the environment. */
function nodeOf(path: string, node: string | undefined, io: SampleIo): { base: string; token: string | undefined } {
  if (node !== undefined) {
    if (!/^https?:\/\//i.test(node) || !URL.canParse(node)) {
      throw new SwitchyardError('usage', `--node must be an http:// or https:// URL, not ${JSON.stringify(node)}`)
    }
    return { base: new URL(node).href.replace(/\/+$/, ''), token: io.env.SWITCHYARD_TOKEN }
  }
  const { admin } = configured(path, io)
  if (admin === undefined || admin.port === 0) {
    throw new SwitchyardError('input-refused', `${path} has no admin.port at which a node could be asked`)
  }
  return { base: `http://${hostToDial(admin.host)}:${admin.port}`, token: admin.token }
}

async function asked(url: string, token: string | undefined, base: string, milliseconds: number): Promise<string> {
  if (token === undefined)
    throw new SwitchyardError('input-refused', `no token for ${base}: admin.token or SWITCHYARD_TOKEN`)
  const headers = { authorization: `Bearer ${token}` }
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(milliseconds), redirect: 'error' })
    const text = await response.text()
    if (response.ok) return text
    throw new SwitchyardError('input-refused', `${base} answered ${response.status}: ${text}`)
  } catch (error) {
    if (error instanceof SwitchyardError) throw error
    const why = error instanceof Error ? String(error.cause ?? error.message) : String(error)
    throw new SwitchyardError('input-refused', `no node answers at ${base}: ${why}`, { cause: error })
  }
}
