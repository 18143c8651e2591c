import { Ajv, type AnySchemaObject, type ErrorObject } from 'ajv'
import type { ByteRange, Notes } from './kinds.ts'
import {
  normaliseBareJid,
  normaliseDomain,
  normaliseJid,
  parseNetwork,
  parseRedisUrl,
  parseService,
  wrongRedisUrl,
} from './names.ts'
import { type Complaint, nearest, type Path, showKind, showValue } from './problems.ts'
import { type RawConfig, schema } from './schema.ts'
import { parseBytes, sizesLike } from './units.ts'

export interface Validated {
  /** Whole and valid, with stand-ins where something was refused; undefined when even that is not possible. */
  readonly raw: RawConfig | undefined
  readonly complaints: readonly Complaint[]
}

/** Checks a plain value against the schema and fills its defaults in. `value` is changed on the way. */
export function validate(value: unknown, unexpanded: (path: Path) => string | undefined): Validated {
  if (check(value)) return { raw: plain(value), complaints: [] }
  const errors = check.errors ?? []
  const complaints = errors.flatMap((error) => complain(error, value, unexpanded) ?? [])
  for (const error of errors) repair(value, error)
  return { raw: check(value) ? plain(value) : undefined, complaints }
}

/** With ordinary prototypes, for whoever compares or prints parts of a configuration. */
const plain = (value: RawConfig): RawConfig => structuredClone(value)

const check = compile()

function compile() {
  const ajv = new Ajv({
    allErrors: true,
    useDefaults: true,
    verbose: true,
    strictRequired: false,
    // Of the start's time: the schema is ours, and a test checks it; what ajv writes runs once or twice.
    validateSchema: false,
    meta: false,
    code: { optimize: false },
    formats: {
      domain: (text: string) => normaliseDomain(text) !== undefined,
      jid: (text: string) => normaliseJid(text) !== undefined,
      'bare-jid': (text: string) => normaliseBareJid(text) !== undefined,
      service: (text: string) => parseService(text) !== undefined,
      network: (text: string) => parseNetwork(text) !== undefined,
    },
  })
  for (const note of ['expects', 'secret', 'standIn'] satisfies (keyof Notes)[]) ajv.addKeyword(note)
  ajv.addKeyword({ keyword: 'bytes' satisfies keyof Notes, modifying: true, validate: readBytes })
  ajv.addKeyword({ keyword: 'redisUrls' satisfies keyof Notes, modifying: true, validate: readRedisUrls })
  return ajv.compile<RawConfig>(schema)
}

/** The keyword `bytes`: a size within the range; one that is written as a text becomes its number. */
function readBytes(
  range: ByteRange,
  value: unknown,
  _schema?: AnySchemaObject,
  context?: { parentData: Record<string | number, unknown>; parentDataProperty: string | number },
): boolean {
  const bytes = typeof value === 'string' ? parseBytes(value) : value
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes)) return false
  if (context !== undefined) context.parentData[context.parentDataProperty] = bytes
  return bytes >= range.minimum && bytes <= range.maximum
}

/** The keyword `redisUrls`: one URL, which becomes a list, or a list of texts, each of which resolving sees to. */
function readRedisUrls(
  _note: true,
  value: unknown,
  _schema?: AnySchemaObject,
  context?: { parentData: Record<string | number, unknown>; parentDataProperty: string | number },
): boolean {
  if (Array.isArray(value)) return value.length > 0 && value.length <= mostUrls && value.every(isText)
  if (!isText(value) || parseRedisUrl(value) === undefined) return false
  if (context !== undefined) context.parentData[context.parentDataProperty] = [value]
  return true
}

const mostUrls = 64
const isText = (value: unknown): value is string => typeof value === 'string'

/** An error of ajv in our words; undefined for one that only says that another one happened. */
function complain(
  error: ErrorObject,
  top: unknown,
  unexpanded: (path: Path) => string | undefined,
): Complaint | undefined {
  const path = pathOf(error.instancePath, top)
  const notes = (error.parentSchema ?? {}) as Notes
  if (error.keyword === 'propertyNames') return undefined
  if (error.keyword === 'additionalProperties') return unknownKey(error, path)
  if (error.keyword === 'required') {
    return { path: [...path, error.params.missingProperty], at: 'key', message: 'is missing' }
  }
  if (error.propertyName !== undefined) {
    const message = `must be ${notes.expects}, not ${showValue(error.propertyName)}`
    return { path: [...path, error.propertyName], at: 'key', message }
  }
  const units = isUnreadSize(error, notes) ? ` (${sizesLike})` : ''
  return {
    path,
    at: 'value',
    message: `must be ${notes.expects}${units}, not ${shown(error, notes, unexpanded(path))}`,
  }
}

/** A size in a spelling that is not understood, rather than one out of bounds. */
function isUnreadSize(error: ErrorObject, notes: Notes): boolean {
  return notes.bytes !== undefined && typeof error.data === 'string' && parseBytes(error.data) === undefined
}

function unknownKey(error: ErrorObject, path: Path): Complaint {
  const key = String(error.params.additionalProperty)
  const near = nearest(key, Object.keys(error.parentSchema?.properties ?? {}))
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return { path: [...path, key], at: 'key', message: `is not a known key${hint}` }
}

function shown(error: ErrorObject, notes: Notes, unexpanded: string | undefined): string {
  const type = error.parentSchema?.type
  // A scalar where a map or a list belongs is often a secret that was written too high up.
  if (notes.redisUrls === true && typeof error.data === 'string') return wrongRedisUrl(unexpanded ?? error.data)
  if (type === 'object' || type === 'array' || notes.secret === true) return kindOf(error.data)
  // So may be the user part of a URL.
  if (error.parentSchema?.format === 'service' && String(error.data).includes('@')) return 'a URL with a user'
  return showValue(unexpanded ?? error.data)
}

/** As `showKind`, but an empty list or string says that it is empty: that is what is wrong with it. */
function kindOf(value: unknown): string {
  const empty = value === '' || (Array.isArray(value) && value.length === 0)
  return empty ? showKind(value).replace('a ', 'an empty ') : showKind(value)
}

/** Puts a valid value where the error was, so that everything else can still be checked. */
function repair(top: unknown, error: ErrorObject): void {
  const path = pathOf(error.instancePath, top)
  if (error.keyword === 'additionalProperties') assign(top, [...path, error.params.additionalProperty], undefined)
  else if (error.propertyName !== undefined) assign(top, [...path, error.propertyName], undefined)
  else if (error.keyword === 'required') {
    const missing = error.params.missingProperty
    assign(top, [...path, missing], standIn(error.parentSchema?.properties?.[missing]))
  } else if (error.keyword !== 'propertyNames') assign(top, path, standIn(error.parentSchema))
}

/** Sets the value at a path, or with undefined removes it. Does nothing when an earlier repair replaced what is above. */
function assign(top: unknown, path: Path, value: unknown): void {
  const last = path.at(-1)
  const parent = path.slice(0, -1).reduce<unknown>((holder, step) => {
    return typeof holder === 'object' && holder !== null ? Reflect.get(holder, step) : undefined
  }, top)
  if (last === undefined || typeof parent !== 'object' || parent === null) return
  if (value === undefined) Reflect.deleteProperty(parent, last)
  else Reflect.set(parent, last, value)
}

/** A valid value for a schema. */
function standIn(schema: AnySchemaObject | undefined): unknown {
  if (schema === undefined) return undefined
  if (schema.standIn !== undefined) return structuredClone(schema.standIn)
  if (schema.type === 'array') return schema.minItems === undefined ? [] : [standIn(schema.items)]
  const required: readonly string[] = schema.required ?? []
  return Object.fromEntries(required.map((key) => [key, standIn(schema.properties?.[key])]))
}

/** Ajv names places by JSON pointer (RFC 6901), in which a list's index looks like a key. */
function pathOf(pointer: string, top: unknown): Path {
  const path: (string | number)[] = []
  let holder = top
  for (const step of pointer.split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    path.push(Array.isArray(holder) ? Number(key) : key)
    holder = typeof holder === 'object' && holder !== null ? Reflect.get(holder, key) : undefined
  }
  return path
}
