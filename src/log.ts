import { once } from 'node:events'
import { type DestinationStream, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino'
import { type LogCode, type LogLevel, logCodes } from './log-codes.ts'

/** Told of every event, whatever the level of the log. */
export type Tap = (code: LogCode, fields: Readonly<Record<string, unknown>>) => void

const taps = Symbol('taps')

/** A child has the taps of the log that it is of. */
export type Log = Logger & { [taps]?: ReadonlySet<Tap> }

/** Keys whose values never reach a log, however deep in the configuration they stand. */
const secretKeys = ['secret', 'secrets', 'token', 'password', 'handshake', 'authorization', 'redis']
const secretNames: ReadonlySet<string> = new Set(secretKeys)
const REDACTED = '[redacted]'

/** As deep as a configuration nests its secrets: config.domains.<name>.instances.<name>.secret. */
const secretDepth = 5

/** Fields that serialisers make flat: `req` and `res` are the admin port's. */
const flatFields: ReadonlySet<string> = new Set(['err', 'req', 'res'])

const maxLogged = 200

/** How long the last lines of a log may take, in milliseconds: whoever reads them may have stopped reading. */
const lastLinesMilliseconds = 1000

/**
 * A log of JSON lines, each with `level` by name, `time` in ISO 8601 and the name of the node. It goes to standard
 * output, or to `destination`. Values under secret keys are replaced.
 */
export function createLog(
  options: { readonly level: LogLevel | 'trace' | 'silent'; readonly node: string },
  destination?: DestinationStream,
): Log {
  const settings = {
    level: options.level,
    base: { node: options.node },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: withoutNestedSecrets },
    serializers: { err: (error: Error) => redacted({ ...stdSerializers.err(error) }, 1) },
    // Only at the top: with wildcards below it, a line took 50 µs and made 70 kB of garbage.
    redact: { paths: secretKeys, censor: REDACTED },
  }
  return destination === undefined ? pino(settings) : pino(settings, destination)
}

/** Standard output, written without waiting, as a log's destination: a reader that is slow slows no stanza. */
export function standardOutput(): ReturnType<typeof pino.destination> {
  return pino.destination({ fd: 1, sync: false })
}

/**
 * Ends a log's destination: resolves once all that was logged has been written. A process that exits without it writes
 * its last lines at once, and a line that was being written then comes after them or not at all.
 */
export async function logWritten(destination: ReturnType<typeof standardOutput>): Promise<void> {
  const written = once(destination, 'close', { signal: AbortSignal.timeout(lastLinesMilliseconds) })
  destination.end()
  // It throws on a line that comes after its end; nobody is left to read one.
  destination.write = () => false
  await written.catch(() => {})
}

/** Logs one event at the level of its code. `fields` hold no stanza bodies; what a peer chose goes through `escapeForLog`. */
export function logEvent(log: Log, code: LogCode, fields: Readonly<Record<string, unknown>> = {}): void {
  log[logCodes[code].level]({ ...fields, code }, code)
  const tapped = log[taps]
  if (tapped !== undefined) for (const tap of tapped) tap(code, fields)
}

/** Has a function told of every event that is logged from now on; call what it returns to end that. */
export function tapLog(log: Log, tap: Tap): () => void {
  log[taps] = new Set([...(log[taps] ?? []), tap])
  return () => {
    log[taps] = new Set([...(log[taps] ?? [])].filter((other) => other !== tap))
  }
}

/**
 * Text that a peer chose, fit for a log: control, format and separator characters and lone surrogates as `\u{hex}`,
 * so that it can neither forge lines nor turn their direction, and at most 200 characters, then `…` where it was cut.
 */
export function escapeForLog(text: string): string {
  let escaped = ''
  for (const character of text) {
    const piece = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(character)
      ? `\\u{${character.codePointAt(0)?.toString(16)}}`
      : character
    if (escaped.length + piece.length > maxLogged) return `${escaped}…`
    escaped += piece
  }
  return escaped
}

/** Most lines hold no object: they stay as they are. */
function withoutNestedSecrets(fields: Record<string, unknown>): Record<string, unknown> {
  let copy: Record<string, unknown> | undefined
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value !== 'object' || value === null || flatFields.has(key)) continue
    copy ??= { ...fields }
    copy[key] = redacted(value, 1)
  }
  return copy ?? fields
}

/** What JSON would make of a value that is so deep in a line, but for the secrets in it. */
function redacted(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || depth > secretDepth) return value
  if ('toJSON' in value && typeof value.toJSON === 'function') return redacted(value.toJSON(), depth + 1)
  if (Array.isArray(value)) return value.map((item) => redacted(item, depth + 1))
  const entries = Object.entries(value)
  return Object.fromEntries(
    entries.map(([key, item]) => [key, secretNames.has(key) ? REDACTED : redacted(item, depth + 1)]),
  )
}
