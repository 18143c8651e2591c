import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatBytes, parseBytes } from '../../config/units.ts'

test('binary and decimal units are told apart', () => {
  for (const [text, bytes] of [
    ['0', 0],
    ['1536', 1536],
    ['7B', 7],
    ['10KB', 10_000],
    ['10MB', 10_000_000],
    ['1GB', 1_000_000_000],
    ['512KiB', 524_288],
    ['16 MiB', 16_777_216],
    ['4GiB', 4_294_967_296],
  ] as const) {
    assert.equal(parseBytes(text), bytes, text)
  }
})

test('what is no whole size in a known unit is refused, never guessed', () => {
  for (const text of [
    '',
    '-1',
    '1.5MiB',
    '1e3',
    '16mib',
    '16M',
    '16 XB',
    'MiB',
    '0x10',
    '1  MiB',
    ' 1',
    '9'.repeat(15).concat('GiB'),
  ]) {
    assert.equal(parseBytes(text), undefined, text)
  }
})

test('a size that is formatted reads back as itself', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (bytes) => parseBytes(formatBytes(bytes)) === bytes))
  fc.assert(
    fc.property(fc.nat(4096), fc.constantFrom('KiB', 'MiB', 'GiB', 'MB', 'GB'), (count, unit) => {
      const bytes = parseBytes(`${count}${unit}`)
      return bytes !== undefined && parseBytes(formatBytes(bytes)) === bytes
    }),
  )
})

test('sizes are written in the largest unit that divides them', () => {
  assert.deepEqual([0, 10_000, 524_288, 16_777_216, 4_294_967_296, 5_000_000].map(formatBytes), [
    '0',
    '10000',
    '512KiB',
    '16MiB',
    '4GiB',
    '5MB',
  ])
})
