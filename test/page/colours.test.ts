import assert from 'node:assert/strict'
import { test } from 'node:test'

const { coloursOf } = await import(new URL('../../src/admin/page/colours.js', import.meta.url).href)

const holder = (name: string, bucket: number | null) => ({ name, bucket })
const red = holder('red', 0)
const green = holder('green', 1)
const blue = holder('blue', null)

test('who leaves keeps its colour for as long as it has a line, and nobody else gets it', () => {
  const all = coloursOf([red, green, blue])
  assert.deepEqual([...all], Object.entries({ red: 0, green: 1, blue: 2 }))
  const left = coloursOf([red, holder('blue', 1)], all, ['red', 'green', 'blue'])
  assert.deepEqual(Object.fromEntries(left), { red: 0, blue: 2, green: 1 })
  const next = coloursOf([red, holder('blue', 1), holder('new', 2)], left, ['green'])
  assert.equal(next.get('new'), 3)
  assert.equal(coloursOf([red], next, ['red']).has('green'), false)
})

test('more instances than colours begin again with the first', () => {
  const many = Array.from({ length: 20 }, (_, bucket) => holder(`i${bucket}`, bucket))
  assert.deepEqual(
    [...coloursOf(many).values()],
    many.map((_, bucket) => bucket % 8),
  )
})
