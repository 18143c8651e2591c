import type { JavaScriptTypeBuilder, TSchema } from '@sinclair/typebox'

type Names =
  | 'Array'
  | 'Boolean'
  | 'Integer'
  | 'Literal'
  | 'Null'
  | 'Number'
  | 'Object'
  | 'Optional'
  | 'Record'
  | 'String'
  | 'Union'
  | 'Unsafe'
type Schema = Readonly<Record<string, unknown>>

/** The properties that need not be there: nothing of a schema itself says so. */
const optional = new WeakSet<object>()

const plain = (type: string) => (options?: Schema) => ({ type, ...options })

const build = {
  Array: (items: Schema, options?: Schema) => ({ ...options, type: 'array', items }),
  Boolean: plain('boolean'),
  Integer: plain('integer'),
  Literal: (value: unknown, options?: Schema) => ({ const: value, type: typeof value, ...options }),
  Null: plain('null'),
  Number: plain('number'),
  Object: (properties: Readonly<Record<string, Schema>>, options?: Schema) => {
    const required = Object.keys(properties).filter((key) => !optional.has(properties[key] ?? {}))
    return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options }
  },
  Optional: (schema: Schema) => {
    const copy = { ...schema }
    optional.add(copy)
    return copy
  },
  Record: (_key: TSchema, value: Schema, options?: Schema) => ({
    type: 'object',
    patternProperties: { '^(.*)$': value },
    ...options,
  }),
  String: plain('string'),
  Union: (anyOf: readonly Schema[], options?: Schema) => ({ ...options, anyOf }),
  Unsafe: (schema: Schema) => ({ ...schema }),
}

/**
 * What we use of TypeBox's builder, with its types, which make `Static` of a schema. Its own files, 266 of them, took 180 ms of
 * every start and 15 MB; a test sees that the schemas are the same.
 */
export const Type = build as unknown as Pick<JavaScriptTypeBuilder, Names>
