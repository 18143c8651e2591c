import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type as TypeBox } from '@sinclair/typebox'
import { Type } from '../../config/type.ts'

/** As JSON: TypeBox's own have symbols, too. */
const plain = (schema: unknown): unknown => JSON.parse(JSON.stringify(schema))

/** One schema of everything that may be built. */
function everything(type: typeof Type) {
  const word = type.Union([type.Literal('a'), type.Literal(1), type.Literal(true), type.Null()], { description: 'd' })
  return type.Object(
    {
      text: type.String({ minLength: 1, format: 'date-time' }),
      bare: type.String(),
      count: type.Integer({ minimum: 0, default: 3 }),
      part: type.Number(),
      flag: type.Optional(type.Boolean({ default: false })),
      list: type.Array(type.Object({}), { minItems: 1 }),
      map: type.Record(type.String(), type.Integer(), { description: 'how many' }),
      word,
      sizes: type.Optional(type.Unsafe<number>({ bytes: { minimum: 1, maximum: 2 } })),
      deep: type.Optional(type.Array(type.Optional(word))),
    },
    { additionalProperties: false },
  )
}

test('schemas are those that TypeBox would build', () => {
  assert.deepEqual(plain(everything(Type)), plain(everything(TypeBox)))
  assert.deepEqual(
    plain(Type.Object({ a: Type.Optional(Type.Null()) })),
    plain(TypeBox.Object({ a: TypeBox.Optional(TypeBox.Null()) })),
  )
})

test('what is optional in one place is not in another', () => {
  const text = Type.String()
  assert.deepEqual(plain(Type.Object({ a: Type.Optional(text), b: text })), {
    type: 'object',
    required: ['b'],
    properties: { a: { type: 'string' }, b: { type: 'string' } },
  })
})
