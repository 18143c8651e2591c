import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { schema } from '../../config/schema.ts'

test('the schema is a valid JSON schema, which nobody checks when it is loaded', () => {
  const ajv = new Ajv()
  assert.equal(ajv.validateSchema(schema), true, ajv.errorsText())
})
