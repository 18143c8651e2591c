import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { charLength } from '../../src/xmpp/chars.ts'
import { isNameChar } from '../../src/xmpp/names.ts'

/** Prints one digit for each character of U+0080 to U+FFFF: 2 begins a name, 1 continues one, 0 neither, as expat has it. */
const script = `
import pyexpat
def takes(document):
    try:
        pyexpat.ParserCreate(namespace_separator=' ').Parse(document.encode('utf-8', 'surrogatepass'), True)
        return True
    except pyexpat.ExpatError:
        return False
print(''.join('2' if takes('<%s/>' % c) else '1' if takes('<a%s/>' % c) else '0' for c in map(chr, range(0x80, 0x10000))))
`

test('[XML 1.0, 4th edition, appendix B] every character up to U+FFFF is what expat takes it for in a name', () => {
  const expat = execFileSync('python3', ['-c', script], { encoding: 'utf8' }).trim()
  let ours = ''
  for (let code = 0x80; code < 0x10000; code++) {
    const bytes = Buffer.from(code < 0x800 ? [0xc0 | (code >> 6)] : [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63)])
    const character = Buffer.concat([bytes, Uint8Array.of(0x80 | (code & 63))])
    const length = charLength(character, 0, character.length)
    ours +=
      length < 0 ? 0 : isNameChar(character, 0, length, true) ? 2 : Number(isNameChar(character, 0, length, false))
  }
  assert.equal(ours.length, expat.length)
  assert.equal(ours, expat)
})

test('a character of four bytes is in no name', () => {
  assert.equal(isNameChar(Buffer.from('\u{20000}'), 0, 4, false), false)
})
