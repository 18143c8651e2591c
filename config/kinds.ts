import type { Static, TObject, TProperties, TSchema } from '@sinclair/typebox'
import { Type } from './type.ts'
import { formatBytes } from './units.ts'

/**
 * The kinds of value that a key may have. Each carries, beside what ajv checks, what people read:
 * `expects` completes "must be …" in a problem and is the type in the README's table; `secret` keeps the value out of
 * every message; `standIn` is a valid value that takes a refused one's place, so that one problem hides no other.
 */
export interface Notes {
  readonly expects?: string
  readonly secret?: boolean
  readonly standIn?: unknown
  readonly bytes?: ByteRange
  readonly redisUrls?: boolean
}

export interface ByteRange {
  readonly minimum: number
  readonly maximum: number
}

interface About<T> extends Pick<Notes, 'expects' | 'secret'> {
  readonly description?: string
  readonly default?: T
}

export const text = (about: About<string>) =>
  Type.String({ minLength: 1, expects: 'a string that is not empty', standIn: 'x', ...about })

export const secretText = (about: About<string>) => text({ secret: true, ...about })

export const filePath = (about: About<string>) =>
  Type.String({ minLength: 1, expects: "a path, from the configuration's folder", standIn: 'x', ...about })

const sha256 = 'sha256:([0-9A-Fa-f]{64}|[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31})'

/** With or without colons, as the tools write it. */
export const fingerprint = (about: About<string>) =>
  Type.String({
    pattern: `^${sha256}$`,
    expects: 'sha256: and 64 hexadecimal digits',
    standIn: `sha256:${'0'.repeat(64)}`,
    ...about,
  })

export const certificateName = (about: About<string>) =>
  Type.String({
    pattern: `^(${sha256}|[A-Za-z0-9_-]{1,63}(\\.[A-Za-z0-9_-]{1,63})*)$`,
    expects: 'sha256: and 64 hexadecimal digits, or a DNS name',
    standIn: 'localhost',
    ...about,
  })

/** Node and instance names: they stand in routes, metric labels and, with a `/`, in the names of unnamed instances. */
export const name = (about: About<string>) =>
  Type.String({
    pattern: '^[A-Za-z0-9._-]{1,64}$',
    expects: 'a name of 1 to 64 letters, digits, dots, hyphens and underscores',
    standIn: 'x',
    ...about,
  })

export const host = (about: About<string>) =>
  Type.String({ pattern: '^[^\\s/@]+$', expects: 'a host name or an address', standIn: 'localhost', ...about })

export const network = (about: About<string>) =>
  Type.String({
    format: 'network',
    expects: 'an address or a network, as 192.0.2.0/24 or 2001:db8::/32',
    standIn: '127.0.0.1',
    ...about,
  })

export const domain = (about: About<string>) =>
  Type.String({ format: 'domain', expects: 'an XMPP domain', standIn: 'localhost', ...about })

export const bareJid = (about: About<string>) =>
  Type.String({ format: 'bare-jid', expects: 'a bare JID', standIn: 'localhost', ...about })

/** A bare or full JID. */
export const jid = (about: About<string>) =>
  Type.String({ format: 'jid', expects: 'a JID', standIn: 'localhost', ...about })

/** Thousandths count, and nothing finer. */
export const percent = (minimum: number, about: About<number>) =>
  Type.Number({ minimum, maximum: 100, expects: `percent from ${minimum} to 100`, standIn: minimum, ...about })

export const service = (about: About<string>) =>
  Type.String({
    format: 'service',
    expects: 'xmpp://host:port or xmpps://host:port',
    standIn: 'xmpp://localhost',
    ...about,
  })

/** One URL or a list of them; a list once loaded. Secret as a whole: a password may be anywhere in one that is written wrongly. */
export const redisUrls = (about: About<string>) =>
  Type.Unsafe<readonly string[]>({
    redisUrls: true,
    secret: true,
    expects: `${redisUrl}, or a list of such`,
    standIn: ['redis://localhost'],
    ...about,
  })

/** What one URL of a Redis must be. */
export const redisUrl =
  'redis://host:port or rediss://host:port, with user:password@ before the host where Redis wants them'

/** Without braces, in which Redis Cluster looks for what decides where a key is. */
export const keyPrefix = (about: About<string>) =>
  Type.String({
    pattern: '^[^\\s{}]{1,100}$',
    expects: '1 to 100 characters without spaces and braces',
    standIn: 'x',
    ...about,
  })

export const integer = (minimum: number, maximum: number, about: About<number>) =>
  Type.Integer({ minimum, maximum, expects: `an integer from ${minimum} to ${maximum}`, standIn: minimum, ...about })

export const port = (about: About<number>) => integer(0, 65535, about)

export const seconds = (minimum: number, maximum: number, about: About<number>) =>
  Type.Number({ minimum, maximum, expects: `seconds from ${minimum} to ${maximum}`, standIn: minimum, ...about })

/** Written as an integer or as `16MiB`; an integer once loaded. */
export const bytes = (minimum: number, maximum: number, about: About<string>) =>
  Type.Unsafe<number>({
    bytes: { minimum, maximum },
    expects: `bytes from ${formatBytes(minimum)} to ${formatBytes(maximum)}`,
    standIn: minimum,
    ...about,
  })

export const flag = (about: About<boolean>) => Type.Boolean({ expects: 'true or false', standIn: false, ...about })

export const choice = <const T extends readonly string[]>(values: T, about: About<T[number]>) =>
  Type.Unsafe<T[number]>({
    type: 'string',
    enum: values,
    expects: values.join(', ').replace(/, (?=[^,]*$)/, ' or '),
    standIn: values[0],
    ...about,
  })

export const list = <T extends TSchema>(item: T, about: About<never[]> & { readonly minItems?: number }) =>
  Type.Unsafe<readonly Static<T>[]>(Type.Array(item, { expects: 'a list', ...about }))

export const map = <T extends TSchema>(key: TSchema, value: T, about: About<Record<string, never>>) =>
  Type.Unsafe<Readonly<Record<string, Static<T>>>>({
    type: 'object',
    propertyNames: key,
    additionalProperties: value,
    expects: 'a map',
    standIn: {},
    ...about,
  })

export const group = <T extends TProperties>(properties: T, about: About<Record<string, never>> = {}): TObject<T> =>
  Type.Object(properties, { additionalProperties: false, expects: 'a map', ...about })
