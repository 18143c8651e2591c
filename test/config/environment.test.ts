import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expand } from '../../config/environment.ts'

const environment = { NAME: 'value', EMPTY: '', NESTED: `\${NAME}` }

test('a reference is replaced by the value, wherever in the text and however often', () => {
  assert.equal(expand(`a \${NAME} b \${NAME}\${EMPTY}`, environment).text, 'a value b value')
})

test('a doubled dollar sign stands for the text itself', () => {
  assert.deepEqual(expand(`$\${NAME} $5 $NAME`, environment), { text: `\${NAME} $5 $NAME`, faults: [], changed: false })
})

test('what is put in is not looked at again', () => {
  assert.equal(expand(`\${NESTED}`, environment).text, `\${NAME}`)
})

test('a variable that is not set is named, an inherited property is none', () => {
  assert.deepEqual(expand(`\${NOPE} \${toString}`, environment).faults, [
    'the environment variable NOPE is not set',
    'the environment variable toString is not set',
  ])
})

test('a reference that is none is a fault that shows nothing of the text', () => {
  for (const text of [`s3cret\${`, `s3cret\${}`, `\${a b}`, `\${1}`, `\${NAME`]) {
    const { faults, text: kept } = expand(text, environment)
    assert.equal(kept, text)
    assert.deepEqual(faults, [
      `has a "\${" that starts no reference to a variable; write "$\${" where you mean the characters`,
    ])
  }
})
