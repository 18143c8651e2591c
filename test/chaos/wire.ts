/** What the parts of the campaign write to each other, in stanzas and on pipes. */

export const NS = 'urn:switchyard:chaos'
/** Who sends: a component beside Switchyard's, with many bare JIDs. */
export const USERS = 'users.localhost'
export const SECRET = 'chaos'

export const kinds = ['message', 'presence', 'get', 'set'] as const
export type Kind = (typeof kinds)[number]

/** `s.0.17.342.message`: to the first domain, from user 17, the 342nd of that key. */
export interface Numbered {
  /** Index of the domain and number of the user: stanzas of one key are numbered in one row. */
  readonly key: string
  readonly sequence: number
  readonly kind: Kind
}

export function nameOf(domain: number, user: number, sequence: number, kind: Kind): string {
  return `s.${domain}.${user}.${sequence}.${kind}`
}

export function parseName(name: string): Numbered {
  const [, domain, user, sequence, kind] = name.split('.')
  return { key: `${domain}.${user}`, sequence: Number(sequence), kind: kind as Kind }
}

/** Names of requests that instances send begin so. */
export const ASKED = 'q.'

/**
 * An instance's reports, one a line on its standard output, each written before the instance reads on:
 * `ready PORT`; `got TIME NAME`; `asked TIME NAME`; `answered TIME NAME`. TIME is the machine's monotonic clock in
 * microseconds, the same for every process.
 */
export type Report =
  | { readonly what: 'ready'; readonly port: number }
  | { readonly what: 'got' | 'asked' | 'answered'; readonly time: number; readonly name: string }

export function parseReport(line: string): Report | undefined {
  const [what, second, name] = line.split(' ')
  if (what === 'ready') return { what, port: Number(second) }
  if ((what === 'got' || what === 'asked' || what === 'answered') && name !== undefined) {
    return { what, time: Number(second), name }
  }
  return undefined
}

export function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** What an instance's process is told, as JSON in its first argument. */
export interface InstanceOptions {
  readonly port: number
  readonly domain: string
  readonly secret: string
  /** Of this incarnation: its requests are named after it. */
  readonly name: string
  /** Between two requests to the users, in milliseconds; 0 for none. */
  readonly askEvery: number
}
