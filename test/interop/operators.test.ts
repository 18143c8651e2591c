import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startProsody, type XmppServer } from '../peers/prosody.ts'
import { type Slixmpp, startSlixmppComponent, startSlixmppUser } from '../peers/slixmpp.ts'
import { startGateway, type TestGateway } from '../stub/gateway.ts'

const ADDRESS = 'yard.localhost'
const ECHO = 'echo.localhost'
const secret = 'swordfish'
const password = 'juliet'
const COMMANDS = 'http://jabber.org/protocol/commands'

/** Switchyard behind Prosody, its own address among the components, and users who are admins or not. */
describe('an admin of a Prosody', () => {
  let server: XmppServer
  let yard: TestGateway
  let admin: Slixmpp
  let other: Slixmpp
  const instances: Slixmpp[] = []

  before(async () => {
    server = await startProsody({
      components: [ADDRESS, ECHO].map((domain) => ({ domain, secret })),
      users: ['admin', 'eve'].map((name) => ({ jid: `${name}@localhost`, password })),
    })
    const upstream = `upstream: {service: 'xmpp://127.0.0.1:${server.componentPort}', secret: ${secret}}`
    yard = await startGateway(`
node: yard-1
address: ${ADDRESS}
admins: [admin@localhost]
listen: [{port: 0}]
domains:
  ${ADDRESS}: {${upstream}}
  ${ECHO}: {instances: {red: {secret: red}, blue: {secret: blue}}, ${upstream}}
domain_balancing: {${ECHO}: {type: bare_source, component_number: 2}}
drain: {seconds: 1}
`)
    for (const name of ['red', 'blue']) {
      instances.push(
        await startSlixmppComponent({ port: yard.port, domain: ECHO, secret: name, name, reconnect: true }),
      )
    }
    const login = (name: string) => startSlixmppUser({ port: server.c2sPort, jid: `${name}@localhost/pda`, password })
    admin = await login('admin')
    other = await login('eve')
    await yard.log.waitFor('link-up', { domain: ADDRESS })
  })
  after(async () => {
    for (const user of [admin, other, ...instances]) await user?.stop()
    await yard?.stop()
    await server?.stop()
  })

  test('sees the commands by service discovery, and nobody else does', async () => {
    const payload = `<query xmlns='http://jabber.org/protocol/disco#items' node='${COMMANDS}'/>`
    const shown = await admin.iq({ to: ADDRESS, type: 'get', payload })
    for (const node of ['list-nodes', 'explain', 'drain-instance', 'kick-instance', 'reload', 'drain-node']) {
      assert.ok(shown.payload.includes(`node="${node}"`), `${node}: ${shown.payload}`)
    }
    const hidden = await other.iq({ to: ADDRESS, type: 'get', payload })
    assert.equal(hidden.type, 'result')
    assert.doesNotMatch(hidden.payload, /<item/)
  })

  test('lists nodes and domains in one step', async () => {
    const nodes = await admin.command({ to: ADDRESS, node: 'list-nodes', forms: [] })
    assert.match(nodes.payload, /status="completed"/)
    assert.match(nodes.payload, /<value>yard-1<\/value>/)
    const domains = await admin.command({ to: ADDRESS, node: 'list-domains', forms: [] })
    assert.match(domains.payload, /<value>echo\.localhost<\/value>/)
  })

  test('lists the instances of a domain, and has a pair of addresses explained, by one form', async () => {
    const listed = await admin.command({ to: ADDRESS, node: 'list-instances', forms: [{ domain: ECHO }] })
    for (const name of ['red', 'blue']) assert.ok(listed.payload.includes(`<value>${name}</value>`), listed.payload)
    const explained = await admin.command({
      ...{ to: ADDRESS, node: 'explain' },
      forms: [{ domain: ECHO, from: 'admin@localhost/pda', to: ECHO }],
    })
    assert.match(explained.payload, /<value>admin@localhost<\/value>/)
    assert.match(explained.payload, /<value>deliver<\/value>/)
    const wrong = await admin.command({
      ...{ to: ADDRESS, node: 'explain' },
      forms: [{ domain: ECHO, from: '@', to: ECHO }],
    })
    assert.match(wrong.payload, /<note type="error">[^<]*is no JID/)
  })

  test('drains an instance by two forms: the domain, then the instance; that is logged with the JID', async () => {
    const drained = await admin.command({
      ...{ to: ADDRESS, node: 'drain-instance' },
      forms: [{ domain: ECHO }, { instance: 'red' }],
    })
    assert.match(drained.payload, /status="completed"/)
    assert.match(drained.payload, /<note type="info">red: draining<\/note>/)
    const line = await yard.log.waitFor('admin-action', { action: 'drain' })
    assert.deepEqual([line.via, line.by, line.instance, line.outcome], ['xmpp', 'admin@localhost', 'red', 'done'])
    await yard.log.waitFor('drain-done')
    const absent = await admin.command({
      ...{ to: ADDRESS, node: 'kick-instance' },
      forms: [{ domain: ECHO }, { instance: 'nobody' }],
    })
    assert.match(absent.payload, /<note type="error">no such instance is connected<\/note>/)
  })

  test('[XEP-0050 §4.4] a form that lacks what is asked for is an error, and anybody else is forbidden', async () => {
    const bad = await admin.command({ to: ADDRESS, node: 'list-instances', forms: [{ dom: ECHO }] })
    assert.deepEqual([bad.type, bad.condition], ['error', 'bad-request'])
    const refused = await other.command({ to: ADDRESS, node: 'reload', forms: [] })
    assert.deepEqual([refused.type, refused.condition], ['error', 'forbidden'])
  })

  test('an instance that says it is the admin is closed, and one that asks as itself is forbidden', async () => {
    const blue = instances[1]!
    const command = `<command xmlns='${COMMANDS}' node='reload' action='execute'/>`
    const asked = await blue.iq({ from: ECHO, to: ADDRESS, type: 'set', payload: command })
    assert.deepEqual([asked.type, asked.condition], ['error', 'forbidden'])
    await blue.sendRaw(`<iq type='set' id='x' from='admin@localhost/pda' to='${ADDRESS}'>${command}</iq>`)
    assert.equal((await blue.waitFor('stream_error')).condition, 'invalid-from')
    assert.deepEqual(yard.log.all('admin-action', { action: 'reload' }), [])
  })

  test('has every node read its configuration again', async () => {
    const reloaded = await admin.command({ to: ADDRESS, node: 'reload', forms: [] })
    assert.match(reloaded.payload, /<note type="info">read by yard-1<\/note>/)
  })
})
