import assert from 'node:assert/strict'
import { loadExpress } from '../../../src/scanning.ts'
import { Scanners } from '../../../src/xmpp/scanners.ts'
import { judge } from '../against-expat.ts'
import { Dice, Generator } from '../generator.ts'
import { Oracle } from '../oracle.ts'
import { both, componentStream, everyByte, plain, randomCuts, read } from '../reading.ts'
import { type Target, words } from '../target.ts'

/** So low that inputs break them all. */
const low = { stanza_bytes: 200, depth: 4, elements: 6, attributes: 4, namespaces: 3 }
const lowPlain = new Scanners(low)
const lowBoth = new Scanners(low, loadExpress(low.stanza_bytes))

/**
 * The framer: however the input is cut, by the plain framer and with the express scanner, it finds the same; it takes what
 * expat takes; and what goes out is taken again as it is.
 */
export function framerTarget(): Target {
  const oracle = new Oracle()
  return {
    form: 'text',
    mostBytes: 2048,
    tokens: [
      ...[
        "<?xml version='1.0'?>",
        "<stream:stream xmlns='jabber:component:accept'",
        '</stream:stream>',
        ' to="',
        "='",
        '/>',
      ],
      ...[
        '<iq',
        '<message',
        '<presence',
        '</iq>',
        '<a',
        '</a>',
        ' xmlns="',
        ' xmlns:a="',
        '"',
        "'",
        '<a:b',
        ' a:b="',
        '&amp;',
      ],
      ...[
        '&#10;',
        '&#x',
        ';',
        '<![CDATA[',
        ']]>',
        '<!--',
        '-->',
        '<?',
        '?>',
        '<!DOCTYPE',
        '&',
        '<',
        '>',
        '\xc3\xa9',
        '\xf0\x9f\x98\x80',
      ],
      ...[
        '\xef\xbb\xbf',
        '\xed\xa0\x80',
        '\xef\xbf\xbe',
        '\r\n',
        '\t',
        ' type="get"',
        ' from="',
        ' id="',
        'http://etherx.jabber.org/streams',
      ],
      ...['http://www.w3.org/XML/1998/namespace', 'http://www.w3.org/2000/xmlns/', 'xml:', 'xmlns:', ' xmlns=""'],
    ],
    fresh: (dice) => new Generator(dice).document(),
    run: (input) => {
      const dice = new Dice(input.length * 31 + (input[input.length >> 1] ?? 0))
      // It takes longer than all else.
      const isCutUp = input.length < 160 || dice.chance(0.1)
      const about = (): string => JSON.stringify(input.toString('latin1'))
      const whole = read(input, [])
      for (const [ones, others] of [[plain, both] as const, [lowPlain, lowBoth] as const]) {
        const first = read(input, [], ones)
        for (const scanners of [ones, others]) {
          if (isCutUp) assert.equal(read(input, everyByte(input.length), scanners).trace, first.trace, about())
          assert.equal(read(input, randomCuts(input.length, dice), scanners).trace, first.trace, about())
        }
        assert.equal(read(input, [], others).trace, first.trace, about())
      }
      const out = Buffer.concat([Buffer.from(componentStream), ...whole.elements])
      assert.deepEqual(read(out, []).elements, whole.elements, 'what goes out is not taken again as it is')
      return oracle.judge(input).then((verdict) => {
        judge(input, whole, verdict, about)
        return `${whole.what} ${words(whole.text)} ${whole.rewritten > 0}`
      })
    },
    close: () => oracle.close(),
  }
}
