import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isReply, isRequest, Replies, routeFrom } from '../src/replies.ts'
import { Reframer } from '../src/stream/reframe.ts'
import type { Head } from '../src/xmpp/head.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }
const reframer = new Reframer(limits)
const route = routeFrom(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 255]))

function read<T>(stanza: string, each: (head: Head) => T): T {
  const seen: T[] = []
  reframer.stanzas(Buffer.from(stanza), (head) => seen.push(each(head)))
  assert.equal(seen.length, 1)
  return seen[0]!
}

/** A request's id, as it leaves and as its reply's id comes back. */
function through(id: string, quote = "'"): { token: string; back: string } {
  const replies = new Replies()
  const request = `<iq id=${quote}${id}${quote} type='get' from='a.test' to='b.test'><q xmlns='q'/></iq>`
  const wrapped = read(request, (head) => replies.wrap(head, route).bytes.toString())
  const token = /id=['"]([^'"]*)/.exec(wrapped)?.[1] ?? ''
  assert.equal(wrapped, request.replace(`${quote}${id}${quote}`, `${quote}${token}${quote}`))
  const back = read(`<iq type='result' from='b.test' id='${token}' to='a.test'/>`, (head) => {
    assert.equal(replies.routeOf(head), route)
    return replies.unwrap(head).bytes.toString()
  })
  return { token, back }
}

test('a route is 80 bits in base 32, the same for the same bytes, and no two alike', () => {
  assert.match(route, /^[a-z2-7]{16}$/)
  assert.equal(routeFrom(new Uint8Array(10)), 'a'.repeat(16))
  assert.equal(routeFrom(new Uint8Array(10).fill(255)), '7'.repeat(16))
  const bytes = fc.uint8Array({ minLength: 10, maxLength: 10 })
  fc.assert(
    fc.property(bytes, bytes, (one, other) => {
      assert.equal(routeFrom(one) === routeFrom(other), Buffer.from(one).equals(other))
    }),
  )
})

test('an id of name characters is carried as it is, any other as hex; both come back', () => {
  assert.deepEqual(through('a-1.b:c_Z'), {
    token: `sy-${route}pa-1.b:c_Z`,
    back: "<iq type='result' from='b.test' id='a-1.b:c_Z' to='a.test'/>",
  })
  assert.equal(through('ä 1').token, `sy-${route}x${Buffer.from('ä 1').toString('hex')}`)
  assert.match(through('ä 1').back, / id='ä 1' /)
  assert.match(through("it's", '"').back, / id='it(&apos;|&#39;)s' /)
  assert.match(through('&lt;&amp;&gt;').back, / id='(&lt;|&#60;)(&amp;|&#38;)(&gt;|&#62;)' /)
  assert.match(through('').back, / id='' /)
})

test('[XML 1.0 §3.3.3] an id with a tab or a line end comes back with it, not with a space', () => {
  const { token, back } = through('a&#9;b&#10;c&#13;')
  assert.equal(token, `sy-${route}x${Buffer.from('a\tb\nc\r').toString('hex')}`)
  assert.match(back, / id='a&#9;b&#10;c&#13;' /)
})

test('whatever the id, the token is a name token and the id comes back', () => {
  const id = fc
    .string({ unit: 'binary', maxLength: 3000 })
    .map((text) => text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]|[<>&'"]/gu, ''))
  fc.assert(
    fc.property(id, (text) => {
      const { token, back } = through(text)
      assert.match(token, /^sy-[a-z2-7]{16}[px][A-Za-z0-9._:-]*$/)
      assert.equal(back, `<iq type='result' from='b.test' id='${text}' to='a.test'/>`)
    }),
  )
})

test('the addresses of what was rewritten are where they were, before and behind the id', () => {
  const replies = new Replies()
  read("<iq to='b.test' id='1' type='get' from='a.test'><q xmlns='q'/></iq>", (head) => {
    const { buffer, toStart, toEnd, fromStart, fromEnd, tagEnd, end } = replies.wrap(head, route)
    assert.equal(buffer.toString('utf8', toStart, toEnd), 'b.test')
    assert.equal(buffer.toString('utf8', fromStart, fromEnd), 'a.test')
    assert.equal(buffer.toString('utf8', tagEnd, end), "<q xmlns='q'/></iq>")
  })
})

test('what is no token names no route', () => {
  for (const id of ['1', 'sy-', `sy-${route}`, `sy-${route}q1`, `Sy-${route}p1`, '']) {
    read(`<iq type='result' id='${id}'/>`, (head) => assert.equal(new Replies().routeOf(head), undefined, id))
  }
  read("<iq type='result'/>", (head) => assert.equal(new Replies().routeOf(head), undefined))
})

test('hex that a peer has spoilt gives an id that is still well-formed', () => {
  for (const hex of ['zz', 'f', 'ff', '3c3e27', '00']) {
    read(`<iq type='result' id='sy-${route}x${hex}'/>`, (head) => {
      const back = new Replies().unwrap(head).bytes.toString()
      read(back, (again) => assert.ok(again.idStart > 0, back))
    })
  }
})

test('[RFC 6120 §8.2.3] only an iq of type get or set is a request, only one of type result or error a reply', () => {
  const kinds = ['get', 'set', 'result', 'error', 'bogus'].map((type) =>
    read(`<iq type='${type}'/>`, (head) => [isRequest(head), isReply(head)]),
  )
  assert.deepEqual(kinds, [
    [true, false],
    [true, false],
    [false, true],
    [false, true],
    [false, false],
  ])
  read("<message type='error'/>", (head) => assert.deepEqual([isRequest(head), isReply(head)], [false, false]))
})
