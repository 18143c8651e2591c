import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { describe, type TestContext, test } from 'node:test'
import { Link, type LinkHandler, type LinkOptions } from '../src/link.ts'
import { LinkTenure } from '../src/link-tenure.ts'
import { Flusher } from '../src/stream/flusher.ts'
import { Outbox } from '../src/stream/outbox.ts'
import type { Head } from '../src/xmpp/head.ts'
import { Scanners } from '../src/xmpp/scanners.ts'
import { makeCertificate, StubServer, streamError, streamHeader } from './stub/server.ts'

const limits = { stanza_bytes: 10_000, depth: 16, elements: 100, attributes: 16, namespaces: 16 }
/** The waits before dialling again are short here, and told apart: half of each, as `random` is 0. */
const timing = { retry: 4, patientRetry: 8, mostRetry: 8, close: 50 }
const SOON = 2
const PATIENT = 4

/** Writes down what a link says, each as one line, and lets a test await a line. */
class Recorder implements LinkHandler {
  readonly lines: string[] = []
  #changed: () => void = () => {}

  linkStanza(_link: Link, head: Head): void {
    this.#add(head.bytes.toString('utf8'))
  }
  linkUp(): void {
    this.#add('up')
  }
  linkDown(_link: Link, reason: string): void {
    this.#add(`down: ${reason}`)
  }
  linkRetry(_link: Link, reason: string, milliseconds: number, refused: boolean): void {
    this.#add(`${refused ? 'refused, ' : ''}retry in ${milliseconds}: ${reason}`)
  }
  linkUnread(_link: Link, bytes: number): void {
    this.#add(`unread: ${bytes}`)
  }
  linkError(condition: string, direction: string): void {
    this.#add(`${direction} ${condition}`)
  }
  /** The nth line that begins so, said or to be said. */
  async until(start: string, nth = 1): Promise<string> {
    for (;;) {
      const line = this.lines.filter((said) => said.startsWith(start))[nth - 1]
      if (line !== undefined) return line
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }
  #add(line: string): void {
    this.lines.push(line)
    this.#changed()
  }
}

interface Bench {
  readonly server: StubServer
  readonly link: Link
  readonly said: Recorder
  readonly outbox: Outbox
  readonly send: (text: string) => void
}

/** A link and the stub server that it will dial; both are gone after the test. */
async function bench(t: TestContext, options: Partial<LinkOptions> = {}, server?: StubServer): Promise<Bench> {
  const stub = server ?? (await StubServer.listen())
  const outbox = new Outbox(new Flusher(), 1024 * 1024, 1024 * 1024)
  const said = new Recorder()
  const link = new Link(
    {
      ...{ domain: 'echo.localhost', host: '127.0.0.1', port: stub.port, tls: undefined, secret: 's3cret' },
      ...{ scanners: new Scanners(limits), handshake_bytes: 2048, outbox, random: () => 0 },
      ...options,
      timing: { ...timing, ...options.timing },
    },
    said,
  )
  t.after(async () => {
    await link.stop()
    await stub.close()
  })
  const send = (text: string) => {
    const bytes = Buffer.from(text)
    outbox.append(bytes, 0, bytes.length)
  }
  return { server: stub, link, said, outbox, send }
}

/** A link that is online, and the server's side of it. */
async function online(t: TestContext, options: Partial<LinkOptions> = {}) {
  const all = await bench(t, options)
  all.link.open()
  const peer = await all.server.connection()
  await peer.admit()
  await all.said.until('up')
  return { ...all, peer }
}

describe('logging in', () => {
  test('[XEP-0114 §3] the header names the domain, the handshake proves the secret, and the link is online', async (t) => {
    const { server, link, said } = await bench(t)
    assert.equal(link.state, 'idle')
    link.open()
    assert.equal(link.state, 'dialing')
    const peer = await server.connection()
    const header = await peer.open('stub-1')
    assert.match(header, / xmlns="jabber:component:accept"/)
    assert.match(header, / to="echo.localhost"/)
    assert.doesNotMatch(header, /allowMultiple/)
    await peer.until(/<\/handshake>/)
    peer.send('<handshake/>')
    await said.until('up')
    assert.equal(link.state, 'online')
  })

  test('a secret and a stream id beyond Latin-1 are hashed as UTF-8', async (t) => {
    const { server, link, said } = await bench(t, { secret: 'пароль€🙂' })
    link.open()
    const peer = await server.connection()
    await peer.handshake('пароль€🙂', 'идент')
    peer.send('<handshake/>')
    await said.until('up')
  })

  test('a link that is not alone asks Openfire for it in the header', async (t) => {
    const { server, link } = await bench(t, { shared: true })
    link.open()
    assert.match(await (await server.connection()).header(), / allowMultiple="true"/)
  })

  test('stanzas in the same chunk as the answer to the handshake arrive as bytes, and half of one waits', async (t) => {
    const { server, link, said } = await bench(t)
    link.open()
    const peer = await server.connection()
    await peer.admit("<message id='1'/><message id='2'><bo")
    await said.until("<message id='1'/>")
    assert.deepEqual(said.lines, ['up', "<message id='1'/>"])
    peer.send('dy>x</body></message>')
    await said.until("<message id='2'><body>x</body></message>")
  })

  test('header, answer and stanza in one chunk are taken too', async (t) => {
    const { server, link, said } = await bench(t)
    link.open()
    const peer = await server.connection()
    await peer.header()
    peer.send(`${streamHeader('s1')}<handshake/><message/>`)
    await said.until('<message/>')
  })
})

describe('what an unanswering server meets', () => {
  test('nobody listens: the link dials again, later each time', async (t) => {
    const gone = await StubServer.listen()
    const { port } = gone
    await gone.close()
    const { link, said } = await bench(t, { port })
    link.open()
    assert.match(await said.until('retry in 2'), /ECONNREFUSED/)
    await said.until('retry in 4', 2)
  })

  test('a server that accepts and never sends a header is left', async (t) => {
    const { server, link, said } = await bench(t, { timing: { header: 5 } })
    link.open()
    await (await server.connection()).ended
    assert.equal(await said.until('retry'), `retry in ${SOON}: the server sends no stream header`)
  })

  test('a server that never answers the handshake is left', async (t) => {
    const { server, link, said } = await bench(t, { timing: { handshake: 5 } })
    link.open()
    const peer = await server.connection()
    await peer.open()
    await peer.ended
    assert.equal(await said.until('retry'), `retry in ${SOON}: the handshake is not answered`)
  })

  test('a TLS handshake that never ends is left', async (t) => {
    const { server, link, said } = await bench(t, { tls: {}, timing: { dial: 20 } })
    link.open()
    await (await server.connection()).ended
    assert.equal(await said.until('retry'), `retry in ${SOON}: no connection in time`)
  })

  test('a server that drops the connection in the handshake is dialled again', async (t) => {
    const { server, link, said } = await bench(t)
    link.open()
    const first = await server.connection()
    await first.handshake()
    first.destroy()
    await said.until('retry')
    await (await server.connection()).admit()
    await said.until('up')
    assert.deepEqual(said.lines, [said.lines[0], 'up'])
  })
})

describe('stream errors of the server', () => {
  for (const condition of ['conflict', 'not-authorized', 'host-unknown', 'see-other-host'] as const) {
    test(`${condition} in answer to the handshake is counted, answered by our closing tag, and waited out with patience`, async (t) => {
      const { server, link, said } = await bench(t)
      link.open()
      const peer = await server.connection()
      await peer.handshake()
      peer.send(streamError(condition))
      await peer.until(/<\/stream:stream>/)
      peer.end()
      await said.until('refused')
      const reason = `stream error from the server: ${condition}`
      assert.deepEqual(said.lines, [`received ${condition}`, `refused, retry in ${PATIENT}: ${reason}`])
      assert.equal(link.reason, reason)
      await (await server.connection()).admit()
      await said.until('up')
      assert.equal(link.reason, undefined)
    })
  }

  test('an error while online is told as a loss once, and the next wait is short', async (t) => {
    const { peer, said } = await online(t)
    peer.send(streamError('system-shutdown'))
    await peer.until(/<\/stream:stream>/)
    peer.end()
    await said.until('retry')
    const reason = 'stream error from the server: system-shutdown'
    assert.deepEqual(said.lines, ['up', 'received system-shutdown', `down: ${reason}`, `retry in ${SOON}: ${reason}`])
  })
})

/** What each of these does to the stock library, or to a process, is known: it must do no more than close the stream. */
const garbage: readonly (readonly [title: string, bytes: string | Buffer, condition: string])[] = [
  ['mismatched tags', '<message><a></b></message><message></x>', 'not-well-formed'],
  ['an unknown entity', '<message><body>&nbsp;</body></message>', 'restricted-xml'],
  ['a reference to a character that is none', '<message><body>&#0;</body></message>', 'not-well-formed'],
  ['a document type', '<!DOCTYPE x><message/>', 'restricted-xml'],
  ['a comment', '<!-- x --><message/>', 'restricted-xml'],
  ['bytes that are no UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0xfe]), 'not-well-formed'],
  ['text between stanzas', 'hello', 'bad-format'],
  ['a second stream header', streamHeader('again').slice("<?xml version='1.0'?>".length), 'not-well-formed'],
  ['a stanza above the limit', `<message><body>${'x'.repeat(10_000)}`, 'policy-violation'],
  ['a stanza nested too deep', '<message>'.repeat(17), 'policy-violation'],
  ['an element that is no stanza', '<query/>', 'unsupported-stanza-type'],
]

describe('a server that breaks the rules', () => {
  for (const [title, bytes, condition] of garbage) {
    test(`${title}: ${condition} is sent and counted, and the link dials again`, async (t) => {
      const { server, peer, said } = await online(t)
      peer.send(bytes)
      const farewell = await peer.until(/<\/stream:stream>/)
      assert.match(farewell, new RegExp(`^<stream:error><${condition} `))
      peer.end()
      await (await server.connection()).admit()
      await said.until('up', 2)
      assert.deepEqual(said.lines[1], `sent ${condition}`)
      assert.equal(said.lines.filter((line) => line.startsWith('down')).length, 1)
    })
  }

  test('a wrong header gets invalid-namespace', async (t) => {
    const { server, link, said } = await bench(t)
    link.open()
    const peer = await server.connection()
    await peer.header()
    peer.send(streamHeader('s1').replace('jabber:component:accept', 'jabber:client'))
    assert.match(await peer.until(/<\/stream:stream>/), /<stream:error><invalid-namespace /)
    await said.until('retry')
    assert.equal(said.lines[0], 'sent invalid-namespace')
  })

  test('it goes on sending after our stream error: nothing is handed out, and the socket is destroyed', async (t) => {
    const { peer, said } = await online(t)
    peer.send('<a></b>')
    await peer.until(/<\/stream:stream>/)
    peer.send('<message/>'.repeat(1000))
    await peer.ended
    await said.until('retry')
    assert.ok(!said.lines.includes('<message/>'))
  })

  test('bytes after its closing tag are passed over', async (t) => {
    const { server, peer, said } = await online(t)
    peer.send('<message/></stream:stream><message/>&&&')
    await peer.until(/<\/stream:stream>/)
    peer.send('more')
    peer.end()
    await (await server.connection()).admit()
    await said.until('up', 2)
    const reason = 'the server closed the stream'
    assert.deepEqual(said.lines, ['up', '<message/>', `down: ${reason}`, `retry in ${SOON}: ${reason}`, 'up'])
  })

  test('addresses that are none, and an iq that nobody answers, are the handler’s business', async (t) => {
    const { peer, said } = await online(t)
    const stanzas = [
      "<message from='@@/' to='a@@b@'/>",
      "<iq type='get' id='1' to='echo.localhost' from='a@b'><x/></iq>",
    ]
    peer.send(stanzas.join(''))
    peer.send("<message id='last'/>")
    await said.until("<message id='last'/>")
    assert.deepEqual(said.lines, ['up', ...stanzas, "<message id='last'/>"])
    peer.end()
    await assert.rejects(peer.until(/./), 'the library answered')
  })

  test('white space between stanzas is passed over, however much', async (t) => {
    const { peer, said } = await online(t)
    peer.send(`${' \n'.repeat(100_000)}<message/>`)
    await said.until('<message/>')
  })

  test('a character that is cut by the edge of a chunk stays whole', async (t) => {
    const { peer, said, link } = await online(t)
    const bytes = Buffer.from('<message><body>€</body></message>')
    const cut = bytes.indexOf(0x82)
    peer.send(Buffer.concat([Buffer.from("<message id='1'/>"), bytes.subarray(0, cut)]))
    await said.until("<message id='1'/>")
    peer.send(bytes.subarray(cut))
    await said.until('<message><body>€</body></message>')
    assert.equal(link.state, 'online')
  })
})

describe('what goes to the server', () => {
  test('what was appended while the link was down leaves when it is up, and in order', async (t) => {
    const { server, link, send } = await bench(t)
    send("<message id='1'/>")
    link.open()
    const peer = await server.connection()
    send("<message id='2'/>")
    await peer.admit()
    assert.equal(await peer.until(/<message id='2'\/>/), "<message id='1'/><message id='2'/>")
  })

  test('what the kernel had not taken when the connection was lost goes to the next one, before what is newer', async (t) => {
    const { server, peer, said, outbox, send } = await online(t)
    peer.socket.pause()
    const body = 'x'.repeat(60_000)
    let sent = 0
    // More than the buffers of two kernels take, as the peer reads nothing.
    while (sent < 200) send(`<message id='${sent++}'><body>${body}</body></message>`)
    await new Promise((resolve) => setImmediate(resolve))
    assert.ok(outbox.bytes > 0)
    peer.destroy()
    await said.until('down')
    const waiting = outbox.stanzas
    assert.ok(waiting > 0)
    send("<message id='last'/>")
    const next = await server.connection()
    await next.admit()
    const text = await next.until(/<message id='last'\/>/)
    const ids = [...text.matchAll(/<message id='(\w+)'/g)].map((match) => match[1])
    const expected = Array.from({ length: waiting }, (_, i) => String(sent - waiting + i))
    assert.deepEqual(ids, [...expected, 'last'])
  })

  test('a server that reads nothing and says nothing is left', async (t) => {
    const { peer, said, send } = await online(t, { timing: { idle: 5, answer: 30 } })
    peer.socket.pause()
    for (let i = 0; i < 200; i++) send(`<message><body>${'x'.repeat(60_000)}</body></message>`)
    assert.equal(await said.until('down'), 'down: the server reads nothing')
  })
})

describe('the probe', () => {
  const PING =
    /<iq type='get' from='echo.localhost' to='echo.localhost' id='[^']+'><ping xmlns='urn:xmpp:ping'\/><\/iq>/

  test('[XEP-0199 §4] a silent server is sent a ping from the domain to itself, and its way back is not handed out', async (t) => {
    const { peer, said } = await online(t, { timing: { idle: 5, answer: 20 } })
    peer.send(await peer.until(PING))
    peer.send((await peer.until(PING)).replace("type='get'", "type='result'"))
    peer.send('<message/>')
    await said.until('<message/>')
    assert.deepEqual(said.lines, ['up', '<message/>'])
  })

  test('a server that has answered one and then says nothing is left', async (t) => {
    const { peer, said } = await online(t, { timing: { idle: 5, answer: 20 } })
    peer.send(await peer.until(PING))
    assert.equal(await said.until('down'), 'down: the server does not answer')
  })

  test('a server that never answers any is kept', async (t) => {
    const { peer, link } = await online(t, { timing: { idle: 2, answer: 2 } })
    for (let i = 0; i < 5; i++) await peer.until(PING)
    assert.equal(link.state, 'online')
  })

  test('a link that is not alone sends white space, as the answer might go to another', async (t) => {
    const { peer, link } = await online(t, { shared: true, timing: { idle: 2, answer: 2 } })
    assert.equal(await peer.until(/ {5}/), '     ')
    assert.equal(link.state, 'online')
  })

  test('a paused link, which would hear no answer, judges nothing', async (t) => {
    const { peer, link, said } = await online(t, { timing: { idle: 5, answer: 20 } })
    peer.send(await peer.until(PING))
    peer.send('<message/>')
    await said.until('<message/>')
    await peer.until(PING)
    link.pause()
    peer.send("<message id='late'/>")
    await new Promise((resolve) => setTimeout(resolve, 60))
    assert.equal(link.state, 'online')
    link.resume()
    await said.until("<message id='late'/>")
  })
})

describe('pausing', () => {
  test('a link reads nothing until it has been resumed as often as it was paused', async (t) => {
    const { peer, link, said, send } = await online(t)
    link.pause()
    link.pause()
    peer.send("<message id='1'/>")
    // A round trip through the server: had the link read, it would have said so by now.
    send('<presence/>')
    await peer.until(/<presence\/>/)
    link.resume()
    send('<presence/>')
    await peer.until(/<presence\/>/)
    assert.deepEqual(said.lines, ['up'])
    link.resume()
    await said.until("<message id='1'/>")
  })

  test('a pause while there is no connection holds when there is one', async (t) => {
    const { server, link, said, send } = await bench(t)
    link.pause()
    link.open()
    const peer = await server.connection()
    await peer.admit()
    await said.until('up')
    peer.send('<message/>')
    send('<presence/>')
    await peer.until(/<presence\/>/)
    assert.deepEqual(said.lines, ['up'])
    link.resume()
    await said.until('<message/>')
  })
})

const message = (id: string): string => `<message id='${id}'/>`

/** What is leased until it is told otherwise. */
function leased(link: Link) {
  const state = { isForfeit: false }
  link.tenure = new LinkTenure(() => state.isForfeit)
  return state
}

describe('a lease that has run out', { timeout: 20_000 }, () => {
  test('what the link brings by then is left unread, and the server sees its connection lost', async (t) => {
    const { link, said, peer, server } = await online(t)
    const state = leased(link)
    peer.send(message('1'))
    await said.until(message('1'))
    state.isForfeit = true
    peer.send(message('2') + message('3'))
    await said.until('retry')
    const bytes = Buffer.byteLength(message('2') + message('3'))
    assert.deepEqual(said.lines.slice(-3, -1), [
      `unread: ${bytes}`,
      'down: others may have the link by now: what it still brought was left unread',
    ])
    await assert.rejects(peer.until(/<\/stream:stream>/), /the peer ended/)
    // By another lease the next connection is read again.
    state.isForfeit = false
    const next = await server.connection()
    await next.admit(message('4'))
    await said.until(message('4'))
    assert.deepEqual([said.lines.includes(message('2')), said.lines.includes(message('3'))], [false, false])
  })

  test('nor is anything read that comes while the link is being closed in order', async (t) => {
    const { link, said, peer, send } = await online(t, { timing: { close: 60_000 } })
    const state = leased(link)
    send('<iq/>')
    const stopping = link.stop()
    await peer.until(/<\/stream:stream>/)
    peer.send(message('1'))
    await said.until(message('1'))
    state.isForfeit = true
    peer.send(message('2'))
    await stopping
    assert.equal(link.state, 'stopped')
    assert.deepEqual(said.lines.slice(-2), [
      `unread: ${Buffer.byteLength(message('2'))}`,
      'down: others may have the link by now: what it still brought was left unread',
    ])
  })

  test('the half of a stanza that had come before is not put together with the rest', async (t) => {
    const { link, said, peer } = await online(t)
    const state = leased(link)
    peer.send(`${message('1')}<message id='2'>`)
    await said.until(message('1'))
    state.isForfeit = true
    peer.send('</message>')
    await said.until('down')
    assert.equal(said.lines.filter((line) => line.startsWith('<message')).length, 1)
  })

  test('an answer to the handshake is left unread, too: nothing was lost by it', async (t) => {
    const { link, server, said } = await bench(t)
    const state = leased(link)
    link.open()
    const peer = await server.connection()
    await peer.handshake()
    state.isForfeit = true
    peer.send('<handshake/>')
    await said.until('retry')
    assert.deepEqual(
      said.lines.filter((line) => /^(up|unread|down)/.test(line)),
      [],
    )
  })
})

describe('waiting', () => {
  test('a link that was sound starts again with a short wait; one that was not does not', async (t) => {
    let now = 0
    const { server, peer, link, said } = await online(t, { now: () => now, timing: { stable: 10_000 } })
    peer.destroy()
    await said.until('retry in 2')
    const second = await server.connection()
    await second.admit()
    await said.until('up', 2)
    now = 9_999
    second.destroy()
    await said.until('retry in 4')
    const third = await server.connection()
    await third.admit()
    await said.until('up', 3)
    assert.equal(link.since, 9_999)
    now += 10_000
    third.destroy()
    await said.until('retry in 2', 2)
  })
})

describe('stopping', () => {
  test('what waits is written, the stream is closed in order, and what still comes is handed out', async (t) => {
    const { peer, link, said, send } = await online(t)
    send("<message id='last'/>")
    const stopped = link.stop()
    assert.equal(await peer.until(/<\/stream:stream>/), "<message id='last'/></stream:stream>")
    peer.send('<message/></stream:stream>')
    peer.end()
    await stopped
    assert.equal(link.state, 'stopped')
    assert.deepEqual(said.lines, ['up', '<message/>', 'down: stopped'])
  })

  test('a peer that never closes is waited for in vain, but not for ever', async (t) => {
    const { peer, link } = await online(t)
    await link.stop()
    await peer.ended
    assert.equal(link.state, 'stopped')
  })

  test('a peer that reads nothing is waited for as long, and what it did not take stays in the outbox', async (t) => {
    const { peer, link, outbox, send } = await online(t)
    peer.socket.pause()
    for (let i = 0; i < 200; i++) send(`<message><body>${'x'.repeat(60_000)}</body></message>`)
    await link.stop()
    assert.ok(outbox.stanzas > 0)
  })

  test('while it dials, while it waits, and before it was opened: it stops at once, and dials no more', async (t) => {
    const { server, link, said } = await bench(t, { timing: { retry: 60_000, mostRetry: 60_000 } })
    link.open()
    const peer = await server.connection()
    peer.destroy()
    await said.until('retry')
    assert.equal(link.state, 'waiting')
    await link.stop()
    const dialing = await bench(t, {}, server)
    dialing.link.open()
    await dialing.link.stop()
    const idle = await bench(t, {}, server)
    await idle.link.stop()
    idle.link.open()
    for (const stopped of [link, dialing.link, idle.link]) assert.equal(stopped.state, 'stopped')
  })

  test('twice is as good as once', async (t) => {
    const { link, said } = await online(t)
    await Promise.all([link.stop(), link.stop()])
    await link.stop()
    assert.deepEqual(said.lines, ['up', 'down: stopped'])
  })
})

describe('TLS', () => {
  const certificate = makeCertificate()

  test('a certificate of an authority that was given is taken', async (t) => {
    const server = await StubServer.listen(certificate)
    const tls = { ca: certificate.cert, servername: 'localhost' }
    const { link, said, send } = await bench(t, { tls }, server)
    link.open()
    const peer = await server.connection()
    await peer.admit('<message/>')
    await said.until('<message/>')
    send('<presence/>')
    await peer.until(/<presence\/>/)
  })

  test('a certificate of nobody known is refused, and no byte is sent before that is known', async (t) => {
    const server = await StubServer.listen(certificate)
    const { link, said } = await bench(t, { tls: { servername: 'localhost' } }, server)
    link.open()
    assert.match(await said.until('retry'), /self-signed certificate/)
    if (server.accepted > 0) await assert.rejects((await server.connection()).until(/./))
  })

  test('a certificate with another name is refused', async (t) => {
    const server = await StubServer.listen(certificate)
    const { link, said } = await bench(t, { tls: { ca: certificate.cert, servername: 'other.example' } }, server)
    link.open()
    assert.match(await said.until('retry'), /does not match certificate's altnames/)
  })

  test('with pins the server’s public key must be one of them, and a name or an authority does not make up for it', async (t) => {
    const pin = (cert: string): string =>
      `sha256:${createHash('sha256')
        .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
        .digest('hex')}`
    const other = makeCertificate()
    const pinned = (...certs: string[]) => ({
      tls: { ca: certificate.cert, servername: 'localhost', pins: certs.map(pin) },
    })
    const server = await StubServer.listen(certificate)
    const good = await bench(t, pinned(other.cert, certificate.cert), server)
    good.link.open()
    await (await server.connection()).admit()
    await good.said.until('up')
    const wrong = await bench(t, pinned(other.cert), await StubServer.listen(certificate))
    wrong.link.open()
    const why = await wrong.said.until('retry')
    assert.match(
      why,
      /its public key is none of upstream\.tls\.pins; the server's certificate is "CN=localhost" of "CN=localhost", until /,
    )
    // What to write if it is the right one after all.
    assert.ok(why.includes(`public key ${pin(certificate.cert)}`), why)
    assert.ok(why.includes(new X509Certificate(certificate.cert).fingerprint256.replaceAll(':', '').toLowerCase()), why)
    // A pin vouches for no certificate that the authority does not.
    const trusting = { tls: { ca: other.cert, servername: 'localhost', pins: [pin(certificate.cert)] } }
    const strange = await bench(t, trusting, await StubServer.listen(certificate))
    strange.link.open()
    assert.match(
      await strange.said.until('retry'),
      /self-signed certificate; the server's certificate is "CN=localhost"/,
    )
  })

  test('a file of authorities that is none lets no certificate through', async (t) => {
    const server = await StubServer.listen(certificate)
    const { link, said } = await bench(t, { tls: { ca: 'not PEM', servername: 'localhost' } }, server)
    link.open()
    assert.match(await said.until('retry'), /certificate/)
  })
})
