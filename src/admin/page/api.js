// What the page asks of the node. The token is for actions; it lives as long as the tab and is sent nowhere else.

const KEY = 'switchyard-token'
const READ_MS = 10_000

/** What the node says when it will not: a problem (RFC 9457). */
export class Problem extends Error {
  /** @param {number} status @param {any} body */
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? `status ${status}`)
    this.status = status
    this.body = body ?? {}
  }
}

/** @returns {string | null} */
export function token() {
  try {
    return sessionStorage.getItem(KEY)
  } catch {
    return null
  }
}

/** @param {string} value */
export function keepToken(value) {
  sessionStorage.setItem(KEY, value)
}

export function forgetToken() {
  sessionStorage.removeItem(KEY)
}

/** @param {string} path @param {number} [timeout] milliseconds */
export function read(path, timeout = READ_MS) {
  return ask('GET', path, undefined, timeout)
}

/** @param {string} method @param {string} path @param {unknown} body @param {number} timeout milliseconds */
export async function ask(method, path, body, timeout) {
  /** @type {Record<string, string>} */
  const headers = { accept: 'application/json' }
  const bearer = token()
  if (bearer !== null) headers.authorization = `Bearer ${bearer}`
  if (body !== undefined) headers['content-type'] = 'application/json'
  const answer = await fetch(path, {
    method,
    headers,
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.timeout(timeout),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  const parsed = text === '' ? undefined : parse(text)
  if (!answer.ok) throw new Problem(answer.status, parsed)
  return parsed
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @param {string} domain @param {string} [rest] */
export function domainPath(domain, rest = '') {
  return `/v1/domains/${encodeURIComponent(domain)}${rest}`
}

/** @param {string} domain @param {string} instance @param {string} action */
export function instancePath(domain, instance, action) {
  return domainPath(domain, `/instances/${encodeURIComponent(instance)}/${action}`)
}
