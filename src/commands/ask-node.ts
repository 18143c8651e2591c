import type { Admin } from '../../config/config.ts'

/** What a node says about a stanza: the fields of `GET /v1/domains/{d}/explain`. */
export interface NodeAnswer {
  readonly criterion: string
  readonly key: string | null
  readonly bucket: number | null
  readonly outcome: string
  readonly instance: string | null
  readonly node: string | null
  readonly because: string
  /** As `configDigest` makes it, by the node's configuration; a node of an older release says none. */
  readonly digest?: string
}

export interface Asked {
  /** Absent when no node answered, or not so that it can be used. */
  readonly answer?: NodeAnswer
  /** For people: who was asked, and what came of it. */
  readonly note: string
}

/** A node on this machine or near it: one that takes longer is as good as none. */
const DEADLINE_MILLISECONDS = 2000

/** Asks the node behind an admin port what a stanza would meet. Never throws: no answer is an answer too. */
export async function askNode(admin: Admin | undefined, domain: string, from: string, to: string): Promise<Asked> {
  if (admin === undefined) return { note: 'it has no admin port to ask a node at' }
  if (admin.port === 0) return { note: 'its admin port is 0, so a running node is not found by it' }
  const authority = `${hostToDial(admin.host)}:${admin.port}`
  const query = new URLSearchParams({ from, to })
  const url = `http://${authority}/v1/domains/${encodeURIComponent(domain)}/explain?${query}`
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DEADLINE_MILLISECONDS), redirect: 'error' })
    const body: unknown = await response.json()
    if (response.ok && isAnswer(body)) return { answer: body, note: `asked at ${authority}` }
    return { note: `${authority} answered ${response.status}${detailOf(body)}` }
  } catch (error) {
    return { note: `no node answers at ${authority} (${reasonOf(error)})` }
  }
}

/** A node that listens on every address is found on loopback. */
export function hostToDial(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function isAnswer(body: unknown): body is NodeAnswer {
  if (typeof body !== 'object' || body === null) return false
  const fields: Readonly<Record<string, unknown>> = { ...body }
  const texts = [fields.criterion, fields.outcome, fields.because]
  const maybe = [fields.key, fields.instance, fields.node]
  return (
    texts.every((field) => typeof field === 'string') &&
    maybe.every((field) => field === null || typeof field === 'string') &&
    (fields.bucket === null || typeof fields.bucket === 'number')
  )
}

/** A problem's `detail` (RFC 9457 §3.1.4). */
function detailOf(body: unknown): string {
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : undefined
  return typeof detail === 'string' ? `: ${detail}` : ''
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : error.message
}
