import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { LinkHolder } from '../src/link-leases.ts'
import { LinkTenure } from '../src/link-tenure.ts'
import { Links } from '../src/links.ts'
import type { RemoteStream } from '../src/remote-stream.ts'
import { Flusher } from '../src/stream/flusher.ts'
import { Scanners } from '../src/xmpp/scanners.ts'
import { countsOf, startNode } from './e2e/node.ts'
import { ClusterYard } from './stub/cluster-yard.ts'
import { eventually } from './stub/eventually.ts'
import { idsIn } from './stub/inner-node.ts'
import { StubServer } from './stub/server.ts'

const yard = (port: number, queue = '{seconds: 600, bytes: 64KiB}'): string => `
node: yard
listen: [{port: 0}]
domains:
  echo.localhost:
    secret: swordfish
    upstream: {service: "xmpp://127.0.0.1:${port}", secret: s3cret, queue: ${queue}}
domain_balancing: {echo.localhost: {type: bare_source, component_number: 2}}
drain: {seconds: 0}
log: {level: info}
`
const up = (id: string): string => `<message from='echo.localhost' to='u@localhost' id='${id}'/>`
const down = (id: string): string => `<message from='u@localhost' to='a.test' id='${id}'/>`

test('the link of a domain opens with its first instance, and carries what came before it was up, in order', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const node = await startNode(t, yard(server.port))
  assert.equal(node.gateway.view.domain('echo.localhost')?.link?.state, 'idle')
  const instance = await node.join('echo.localhost')
  instance.send(up('1') + up('2'))
  const connection = await server.connection()
  await connection.admit()
  instance.send(up('3'))
  assert.equal(await connection.until(/id='3'\/>/), up('1') + up('2') + up('3'))
})

test('[RFC 6120 §8.3.1] what the server sends where nobody is comes back with from and to exchanged', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const node = await startNode(
    t,
    yard(server.port).replace('secret: swordfish', 'secret: swordfish\n    when_unassigned: bounce'),
  )
  const instance = await node.join('echo.localhost')
  const connection = await server.connection()
  await connection.admit()
  await node.log('link-up')
  await instance.die()
  await node.log('instance-left')
  connection.send("<message from='u@localhost/r' to='room@echo.localhost' id='1'><body>hello</body></message>")
  connection.send("<message from='u@localhost/r' to='room@echo.localhost' type='error' id='2'/>")
  connection.send("<message from='u@localhost/r' id='3'/>")
  const [first, third] = [await connection.until(/<\/message>/), await connection.until(/<\/message>/)]
  assert.match(
    first,
    /^<message type='error' from='room@echo.localhost' to='u@localhost\/r' id='1'><error type='wait'>/,
  )
  assert.match(third, /^<message type='error' from='echo.localhost' to='u@localhost\/r' id='3'><error type='modify'>/)
  const { received, ended, held } = countsOf(node.gateway, 'echo.localhost')
  assert.equal(received, ended + held)
})

test('a reply by the link finds the instance that asked', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const node = await startNode(t, yard(server.port))
  const [red, blue] = [await node.join('echo.localhost'), await node.join('echo.localhost')]
  const connection = await server.connection()
  await connection.admit()
  for (const peer of [blue, red]) {
    peer.send("<iq type='get' id='1' from='echo.localhost' to='localhost'><q xmlns='q'/></iq>")
    const token = / id='([^']*)'/.exec(await connection.until(/<\/iq>/))?.[1]
    connection.send(`<iq type='result' id='${token}' from='localhost' to='echo.localhost'/>`)
    assert.equal(await peer.stanza(), "<iq type='result' id='1' from='localhost' to='echo.localhost'/>")
  }
})

test('while a link is down what is sent waits for so long and in so many bytes, then comes back', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const node = await startNode(t, yard(server.port, `{seconds: 0.05, bytes: ${up('1').length}}`))
  const instance = await node.join('echo.localhost')
  instance.send(up('1') + up('2'))
  const bounced = [await instance.stanza(), await instance.stanza()]
  assert.match(bounced[0]!, / id='2'><error type='wait'><remote-server-timeout /)
  assert.match(bounced[1]!, / id='1'><error type='wait'><remote-server-timeout /)
})

test('a reload with another server moves the link, and what waited, and closes no instance', async (t) => {
  const [old, next] = [await StubServer.listen(), await StubServer.listen()]
  t.after(() => Promise.all([old.close(), next.close()]))
  const node = await startNode(t, yard(old.port))
  const instance = await node.join('echo.localhost')
  instance.send(up('1'))
  const before = await old.connection()
  await before.header()
  const reloaded = node.reload(yard(next.port))
  const connection = await next.connection()
  await connection.admit()
  await reloaded
  instance.send(up('2'))
  assert.equal(await connection.until(/id='2'\/>/), up('1') + up('2'))
})

const ask = "<iq type='get' id='1' from='echo.localhost' to='u@localhost/r'><q xmlns='q'/></iq>"

test('a reload that takes the upstream away answers what waited for the link', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const node = await startNode(t, yard(server.port))
  const instance = await node.join('echo.localhost')
  instance.send(ask + up('2'))
  await eventually(() => countsOf(node.gateway, 'echo.localhost').held === 2)
  await node.reload(yard(server.port).replace(/ {4}upstream: .*\n/, ''))
  assert.match(await instance.stanza(), /^<iq type='error' .* id='1'><error type='wait'><remote-server-timeout /)
  assert.match(await instance.stanza(), /^<message type='error' .* id='2'><error type='wait'><remote-server-timeout /)
  await eventually(() => countsOf(node.gateway, 'echo.localhost').held === 0)
  const { received, ended } = countsOf(node.gateway, 'echo.localhost')
  assert.equal(received, ended)
})

test('a node that stops answers what waited for a link that is down before it closes the instances', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const node = await startNode(t, yard(server.port).replace('drain: {seconds: 0}', 'drain: {seconds: 5}'))
  const instance = await node.join('echo.localhost')
  instance.send(ask)
  await eventually(() => countsOf(node.gateway, 'echo.localhost').held === 1)
  const stopped = node.gateway.stop()
  assert.match(await instance.stanza(), /^<iq type='error' .* id='1'><error type='wait'><remote-server-timeout /)
  await instance.leave()
  await stopped
  const { received, ended, held } = countsOf(node.gateway, 'echo.localhost')
  assert.deepEqual([received, held], [ended, 0])
})

test('what a server that reads nothing has left in its link when the node stops is counted', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const node = await startNode(t, yard(server.port, '{seconds: 600, bytes: 64MiB}'))
  const instance = await node.join('echo.localhost')
  const connection = await server.connection()
  await connection.admit()
  await node.log('link-up')
  connection.socket.pause()
  const large = up('1').replace('/>', `><body>${'x'.repeat(100_000)}</body></message>`)
  for (let i = 0; i < 100; i++) instance.send(large)
  await eventually(() => countsOf(node.gateway, 'echo.localhost').held > 5)
  await node.gateway.stop()
  const { received, ended, held } = countsOf(node.gateway, 'echo.localhost')
  assert.deepEqual([received, held], [ended, 0])
})

test('authorities that cannot be read fail a connection, not the node: it is tried again', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const node = await startNode(
    t,
    yard(server.port).replace('xmpp:', 'xmpps:').replace('queue:', 'tls: {ca: /nowhere/ca.pem}, queue:'),
  )
  const instance = await node.join('echo.localhost')
  await node.log('link-retry')
  assert.match(String(node.logged.find(({ code }) => code === 'link-retry')?.reason), /ENOENT/)
  await instance.leave()
})

/** The links of one node of a cluster; `holder` says who has the one of a.test. */
function leased(t: TestContext, port: number) {
  const yard = new ClusterYard(`
domains:
  a.test:
    secret: s
    upstream: {service: "xmpp://127.0.0.1:${port}", secret: s3cret}
`)
  const state = {
    holder: undefined as LinkHolder,
    isClaiming: false,
    isAlone: false,
    tenure: new LinkTenure(() => false),
  }
  const came: string[] = []
  const undeliverable: string[] = []
  const links = new Links({
    routes: yard.routes,
    flusher: new Flusher(),
    handler: { linkStanza: (_link, { bytes }) => void came.push(`${bytes}`), linkUp() {}, linkDown() {} },
    random: () => 0,
    readFile: () => '',
    limits: () => ({ outbox_bytes: 100_000, handshake_bytes: 8192 }),
    scanners: () => new Scanners({ stanza_bytes: 100_000, depth: 8, elements: 16, attributes: 8, namespaces: 4 }),
    undeliverable: (_domain, queue) => {
      for (let slab = queue.shift(); slab !== undefined; slab = queue.shift()) undeliverable.push(`${slab.bytes}`)
    },
    leases: () => {
      const { holder, isClaiming, tenure } = state
      return state.isAlone ? undefined : { want: () => holder, isClaiming: () => isClaiming, tenure }
    },
  })
  t.after(() => links.stop())
  const assign = (holder: LinkHolder): void => {
    state.holder = holder
    links.settleAnew()
  }
  const send = (...ids: readonly string[]): void => {
    for (const id of ids) {
      const text = Buffer.from(up(id))
      links.linkFor('a.test')!.outbox.append(text, 0, text.length)
    }
  }
  const way = (node: string): RemoteStream => yard.wayTo('a.test', undefined, node)
  const sent = (node: string) => yard.sent.get(`link of ${node}`)?.filter((item) => item !== '|')
  return { links, assign, send, way, sent, yard, undeliverable, state, came }
}

test('what waits while nobody has the one link goes by the node that gets it, in order', async (t) => {
  const { assign, send, way, sent, yard } = leased(t, 1)
  send('1', '2')
  const b = way('B')
  assign(b)
  send('3')
  await yard.turn()
  send('4')
  await yard.turn()
  assert.deepEqual(sent('B'), ['1', '2', '3', '4'])
})

test('when the node with the one link dies, what it had not confirmed goes by the next, before anything newer', async (t) => {
  const { links, assign, send, way, sent, yard } = leased(t, 1)
  const b = way('B')
  send('1')
  assign(b)
  await yard.turn()
  send('2')
  await yard.turn()
  assert.deepEqual(sent('B'), ['1', '2'])
  const c = way('C')
  assign(c)
  send('3')
  await yard.turn()
  assert.deepEqual(sent('C'), [], 'B may still pass it on')
  b.die()
  await links.settled(performance.now() + 10_000)
  send('4')
  await yard.turn()
  assert.deepEqual(sent('C'), ['1', '2', '3', '4'])
})

test('when the one link moves, what the node before has confirmed is not sent again, and the rest waits for it', async (t) => {
  const { links, assign, send, way, sent, yard } = leased(t, 1)
  const b = way('B')
  assign(b)
  send('1')
  assign(b)
  await yard.turn()
  assign(undefined)
  send('2')
  const c = way('C')
  assign(c)
  send('3')
  await yard.turn()
  assert.deepEqual([sent('B'), sent('C')], [['1'], []])
  b.outbox.confirm(1)
  await links.settled(performance.now() + 10_000)
  await yard.turn()
  assert.deepEqual(sent('C'), ['2', '3'])
})

test('the one link that comes here carries what another node had not confirmed, and what waited', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const { assign, send, way, yard } = leased(t, server.port)
  const b = way('B')
  send('1')
  assign(b)
  await yard.turn()
  assign(undefined)
  b.die()
  send('2')
  assign('here')
  send('3')
  const connection = await server.connection()
  await connection.admit()
  assert.deepEqual(idsIn(await connection.until(/id='3'\/>/)), ['1', '2', '3'])
})

test('a link that is up stays as it is while it is claimed, and is closed when it is nobody’s', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const { links, assign, send, state } = leased(t, server.port)
  send('1')
  assign('here')
  const connection = await server.connection()
  await connection.admit()
  await connection.until(/id='1'\/>/)
  const link = links.peek('a.test')
  state.isClaiming = true
  assign(undefined)
  await links.settled(performance.now() + 10_000)
  assert.equal(link?.state, 'online')
  state.isClaiming = false
  assign(undefined)
  await connection.until(/<\/stream:stream>/)
  connection.end()
  await links.settled(performance.now() + 10_000)
  assert.notEqual(links.peek('a.test'), link)
})

test('a link is this node’s by the life in which it was opened, and reads nothing in the name of the next', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const { links, assign, came, state } = leased(t, server.port)
  links.linkFor('a.test')
  assign('here')
  const connection = await server.connection()
  await connection.admit()
  connection.send(down('1'))
  await eventually(() => came.length === 1)
  const first = links.peek('a.test')!
  assert.equal(first.tenure, state.tenure)
  // The life is given up, and another begins before the link has ended.
  state.tenure.lose()
  assign(undefined)
  state.tenure = new LinkTenure(() => false)
  connection.send(down('2'))
  assign('here')
  const next = await server.connection()
  await next.admit()
  next.send(down('3'))
  await eventually(() => came.length === 2)
  assert.deepEqual(came, [down('1'), down('3')])
  const second = links.peek('a.test')!
  assert.equal(second.tenure, state.tenure)
  assert.equal(first.state, 'stopped')
})

test('a link that stays up while its node joins a cluster, and leaves it, is leased in between', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const { links, assign, came, state } = leased(t, server.port)
  state.isAlone = true
  links.linkFor('a.test')
  const link = links.peek('a.test')!
  const connection = await server.connection()
  await connection.admit()
  connection.send(down('1'))
  await eventually(() => came.length === 1)
  assert.equal(link.tenure, undefined)
  state.isAlone = false
  assign('here')
  assert.equal(link.tenure, state.tenure)
  state.tenure.lose()
  state.isAlone = true
  links.settleAnew()
  assert.equal(link.tenure, undefined)
  connection.send(down('2'))
  await eventually(() => came.length === 2)
  assert.equal(links.peek('a.test'), link)
})

/** Another configuration of the link of a.test: another server. */
function reconfigure({ links, yard }: ReturnType<typeof leased>, change: { links?: 'each'; port?: number } = {}) {
  const { domain } = yard
  const queue = { seconds: 77, bytes: 65_536 }
  domain.configure({ ...domain.config, upstream: { ...domain.config.upstream!, queue, ...change } })
  return links.configure()
}

test('a reload with another server while the one link changes hands loses nothing of what went to the node before', async (t) => {
  const [old, next] = [await StubServer.listen(), await StubServer.listen()]
  t.after(() => Promise.all([old.close(), next.close()]))
  const bench = leased(t, old.port)
  const { assign, send, way, sent, yard, undeliverable } = bench
  const b = way('B')
  send('1')
  assign(b)
  await yard.turn()
  assert.deepEqual(sent('B'), ['1'])
  assign('here')
  send('2')
  const configured = reconfigure(bench, { port: next.port })
  send('3')
  // Who is to have it now is the new one's to ask.
  assign(undefined)
  assign('here')
  // It waits for B: were it over before, what B has would come back to nobody.
  await Promise.race([configured, wait(200)])
  b.die()
  await configured
  send('4')
  const connection = await next.connection()
  await connection.admit()
  assert.deepEqual(idsIn(await connection.until(/id='4'\/>/)), ['1', '2', '3', '4'])
  assert.deepEqual(undeliverable, [])
})

test('what another node with the one link has not confirmed goes by a link of this one that a reload wants, should that node die', async (t) => {
  const server = await StubServer.listen()
  t.after(() => server.close())
  const bench = leased(t, server.port)
  const { assign, send, way, sent, yard } = bench
  const b = way('B')
  send('1')
  assign(b)
  await yard.turn()
  send('2')
  await yard.turn()
  assert.deepEqual(sent('B'), ['1', '2'])
  await reconfigure(bench, { links: 'each' })
  send('3')
  b.die()
  const connection = await server.connection()
  await connection.admit()
  assert.deepEqual(idsIn(await connection.until(/id='3'\/>/)), ['1', '2', '3'])
})

test('a reload with another server leaves the one link with the node that has it', async (t) => {
  const bench = leased(t, 1)
  const { assign, send, way, sent, yard } = bench
  const b = way('B')
  send('1')
  assign(b)
  await yard.turn()
  send('2')
  await reconfigure(bench)
  send('3')
  await yard.turn()
  assert.deepEqual(sent('B'), ['1', '2', '3'])
})
