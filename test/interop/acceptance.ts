import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startBiboumi } from '../peers/biboumi.ts'
import { freePort } from '../peers/ports.ts'
import type { ServerOptions, XmppServer } from '../peers/prosody.ts'
import { type Slixmpp, startSlixmppComponent, startSlixmppUser } from '../peers/slixmpp.ts'
import { xml } from '../peers/stock.ts'
import { type ComponentInstance, startComponent } from '../peers/xmpp-component.ts'
import { assertBalanced } from '../stub/counters.ts'
import { eventually } from '../stub/eventually.ts'
import { runCommand, startGateway, type TestGateway } from '../stub/gateway.ts'
import { RawInstance } from '../stub/raw-instance.ts'

/** What must hold behind any XMPP server: the same suite runs against Prosody and ejabberd. */

const secret = 'swördfish'
const password = 'pa"ss wörd'
const JULIET = 'juliet@localhost'
const ECHO = 'echo.localhost'
const names = ['amber', 'blue', 'coral', 'denim']
const domains = [ECHO, 'irc.localhost', 'lib.localhost', 'brief.localhost']
const PING = "<ping xmlns='urn:xmpp:ping'/>"
const DISCO_INFO = "<query xmlns='http://jabber.org/protocol/disco#info'/>"

const yaml = (componentPort: number, adminPort: number) => `
listen: [{port: 0}]
admin: {port: ${adminPort}}
domains:
  ${ECHO}:
    instances: {${[...names, 'rough'].map((name) => `${name}: {secret: ${name}}`).join(', ')}}
    upstream: {service: "xmpp://127.0.0.1:${componentPort}", secret: ${secret}, queue: {seconds: 120}}
    hold: {seconds: 120}
${domains
  .slice(1)
  .map(
    (domain) => `  ${domain}:
    secret: ${secret}
    upstream: {service: "xmpp://127.0.0.1:${componentPort}", secret: ${secret}, queue: {seconds: 0.5}}`,
  )
  .join('\n')}
domain_balancing:
  ${ECHO}: {type: bare_source, component_number: 4}
drain: {seconds: 0}
`

interface Yard {
  /** The gateway's config. */
  readonly config: string
  readonly server: XmppServer
  readonly gateway: TestGateway
  readonly user: Slixmpp
  /** A component at the server itself: whoever in a crowd of users the test needs. */
  readonly crowd: ComponentInstance
  readonly instances: Map<string, Slixmpp>
}

async function open(start: (options: ServerOptions) => Promise<XmppServer>): Promise<Yard> {
  const components = [...domains, 'crowd.localhost'].map((domain) => ({ domain, secret }))
  const server = await start({ components, users: [{ jid: JULIET, password }] })
  // Not 0: who asks the node by its config must find it.
  const config = yaml(server.componentPort, await freePort())
  const gateway = await startGateway(config)
  const instances = new Map<string, Slixmpp>()
  for (const name of names) instances.set(name, await join(gateway, name))
  const crowd = await startComponent({
    ...{ port: server.componentPort, domain: 'crowd.localhost', secret, name: 'crowd' },
  })
  await gateway.log.waitFor('link-up', { domain: ECHO })
  return { config, server, gateway, instances, crowd, user: await logIn(server) }
}

function logIn(server: XmppServer): Promise<Slixmpp> {
  return startSlixmppUser({ port: server.c2sPort, jid: `${JULIET}/balcony`, password, reconnect: true })
}

/** slixmpp, as its users write it. */
function join({ port }: TestGateway, name: string): Promise<Slixmpp> {
  return startSlixmppComponent({ port, domain: ECHO, secret: name, name, echo: name === 'amber' })
}

async function close(yard: Yard | undefined): Promise<void> {
  await yard?.user.stop()
  for (const instance of yard?.instances.values() ?? []) await instance.stop()
  await yard?.crowd.stop()
  await yard?.gateway.stop()
  await yard?.server.stop()
}

export function acceptance(name: string, start: (options: ServerOptions) => Promise<XmppServer>): void {
  describe(`${name} and four slixmpp instances by bare_source in four buckets`, { timeout: 240_000 }, () => {
    let yard: Yard
    before(async () => {
      yard = await open(start)
    })
    after(() => close(yard))

    const holderOf = (from: string): string => {
      const explained = yard.gateway.view.explain(ECHO, from, ECHO)
      assert.ok(explained !== undefined && 'instance' in explained && explained.instance !== null)
      return explained.instance
    }
    const bodiesOf = (instance: Slixmpp, prefix: string) =>
      instance.messages.map(({ body }) => body).filter((body) => body.startsWith(prefix))
    const lastOf = (instance: Slixmpp, body: string) => instance.waitForMessage((message) => message.body === body)

    test("a user's messages and iqs reach the instance that explain names, in order", async () => {
      const { user, instances } = yard
      const holder = holderOf(user.jid)
      await user.sendMany({ to: `bot@${ECHO}`, count: 100, prefix: 'mine-' })
      await lastOf(instances.get(holder)!, 'mine-99')
      assert.equal(await user.who(ECHO), holder)
      for (const [at, instance] of instances) {
        const expected = at === holder ? Array.from({ length: 100 }, (_, n) => `mine-${n}`) : []
        assert.deepEqual(bodiesOf(instance, 'mine-'), expected, at)
      }
    })

    test('switchyard explain names the instance that answers', async () => {
      const { config, user } = yard
      const named = JSON.parse(await runCommand(config, 'explain', user.jid, ECHO, '--json'))
      assert.equal(named.instance, await user.who(ECHO))
      assert.deepEqual([named.source, named.key], ['node', JULIET])
    })

    test('each of 200 users reaches one instance, the one that explain names, and no instance is left out', async () => {
      const { crowd, instances } = yard
      const users = Array.from({ length: 200 }, (_, n) => `user${n}@crowd.localhost/phone`)
      for (const from of users) await say(crowd, from, 'crowd-1')
      for (const from of users) await say(crowd, from.replace('phone', 'desk'), 'crowd-2')
      const shares = names.map((at) => users.filter((from) => holderOf(from) === at))
      assert.ok(
        shares.every(({ length }) => length > 0),
        `${shares.map(({ length }) => length)}`,
      )
      for (const [n, at] of names.entries()) {
        const instance = instances.get(at)!
        const own = shares[n]!
        await instance.waitForMessage(({ from, body }) => from === desk(own.at(-1)!) && body === 'crowd-2')
        const got = instance.messages.filter(({ body }) => body.startsWith('crowd-')).map(({ from }) => from)
        assert.deepEqual(got, [...own, ...own.map(desk)], at)
      }
    })

    test('text of several bytes per character goes there and back unchanged', async () => {
      const { crowd, instances } = yard
      const body = 'hällo <&> "quotes" 🎭 שלום 漢字 e\u0301'
      const from = firstOf('amber')
      await say(crowd, from, body)
      assert.equal((await lastOf(instances.get('amber')!, body)).from, from)
      const echo = await crowd.waitForMessage((message) => message.body === body)
      assert.deepEqual([echo.from, echo.to], [`bot@${ECHO}`, from])
    })

    test('1000 concurrent requests of the four instances are all answered to the one that asked', async () => {
      const { instances, user } = yard
      const ask = async (instance: Slixmpp, at: string, n: number) => {
        // Half of them to the server, half to a user behind it.
        const from = `${at}-${n}@${ECHO}`
        const to = n % 2 === 0 ? 'localhost' : user.jid
        const reply = await instance.iq({ to, from, type: 'get', payload: PING, seconds: 60 })
        assert.deepEqual([reply.type, reply.from, reply.to], ['result', to, from])
      }
      const asked = [...instances].flatMap(([at, instance]) =>
        Array.from({ length: 250 }, (_, n) => ask(instance, at, n)),
      )
      await Promise.all(asked)
    })

    test('as many from four instances that use the same ids are, too', async () => {
      const { gateway, user } = yard
      const options = { port: gateway.port, domain: 'lib.localhost', secret }
      const askers = await Promise.all(names.map(() => RawInstance.connect(options)))
      await gateway.log.waitFor('link-up', { domain: 'lib.localhost' })
      const addressOf = (asker: number, n: number) => `asker${asker}-${n}@lib.localhost`
      for (let n = 0; n < 250; n++) {
        const to = n % 2 === 0 ? 'localhost' : user.jid
        for (const [asker, instance] of askers.entries()) {
          instance.send(`<iq type='get' from='${addressOf(asker, n)}' to='${to}' id='same ${n}'>${PING}</iq>`)
        }
      }
      for (const [asker, instance] of askers.entries()) {
        const replies = [...(await instance.waitForCount(250))]
        const sound = replies.filter(({ type, id, to }) => {
          return type === 'result' && to === addressOf(asker, Number(id.slice('same '.length)))
        })
        assert.equal(
          new Set(sound.map(({ id }) => id)).size,
          250,
          replies.find((reply) => !sound.includes(reply))?.text,
        )
      }
      // A reply that its asker read, and had not confirmed when it died, would be dropped: nobody else has asked.
      await eventually(() => gateway.view.domain('lib.localhost')?.held.stanzas === 0)
      for (const instance of askers) await instance.kill()
    })

    test('while one of the four restarts under hold, nothing is lost, and the held comes in order', async () => {
      const { crowd, instances, gateway } = yard
      const users = names.map((at) => ({ at, from: firstOf(at) }))
      const sendAll = async (first: number, count: number) => {
        for (let n = first; n < first + count; n++) {
          for (const { at, from } of users) await say(crowd, from, `restart-${at}-${n}`)
        }
      }
      await sendAll(0, 10)
      await lastOf(instances.get('denim')!, 'restart-denim-9')
      await instances.get('denim')!.stop()
      await gateway.log.waitFor('bucket-unassigned', { domain: ECHO, from: 'denim' })
      await sendAll(10, 50)
      // The crowd's stream is ordered, so what came before for denim has been held by now.
      for (const at of names.slice(0, 3)) await lastOf(instances.get(at)!, `restart-${at}-59`)
      assert.ok(gateway.view.domain(ECHO)!.held.stanzas >= 49)
      const again = await join(gateway, 'denim')
      instances.set('denim', again)
      await sendAll(60, 10)
      await lastOf(again, 'restart-denim-69')
      const expected = (at: string) =>
        Array.from({ length: 70 }, (_, n) => `restart-${at}-${n}`).slice(at === 'denim' ? 10 : 0)
      for (const at of names.slice(0, 3)) await lastOf(instances.get(at)!, `restart-${at}-69`)
      for (const [at, instance] of instances) assert.deepEqual(bodiesOf(instance, 'restart-'), expected(at), at)
    })

    test('biboumi as an instance answers disco#info and ping', async (t) => {
      const { gateway, user } = yard
      const biboumi = await startBiboumi({ port: gateway.port, domain: 'irc.localhost', secret })
      t.after(biboumi.stop)
      await gateway.log.waitFor('link-up', { domain: 'irc.localhost' })
      const info = await user.iq({ to: 'irc.localhost', type: 'get', payload: DISCO_INFO })
      assert.equal(info.type, 'result')
      assert.match(info.payload, /<identity .*category="conference"/)
      assert.equal((await user.iq({ to: 'irc.localhost', type: 'get', payload: PING })).type, 'result')
    })

    test('@xmpp/component as an instance echoes and says who it is', async (t) => {
      const { gateway, user } = yard
      const options = { port: gateway.port, domain: 'lib.localhost', secret, name: 'stock', echo: true }
      const instance = await startComponent(options)
      t.after(instance.stop)
      await gateway.log.waitFor('link-up', { domain: 'lib.localhost' })
      await user.send({ to: 'bot@lib.localhost', body: 'ping € <&>', id: 'stock-1' })
      const echo = await user.waitForMessage(({ id }) => id === 'stock-1')
      assert.deepEqual([echo.from, echo.body], ['bot@lib.localhost', 'ping € <&>'])
      assert.equal(await user.who('lib.localhost'), 'stock')
    })

    test('a malformed stanza of one instance ends its stream; link and other instances notice nothing', async () => {
      const { gateway, user, instances } = yard
      const downs = gateway.log.all('link-down').length
      const head = `<message from='rough@${ECHO}' to='${user.jid}' type='chat'>`
      const broken = {
        'not-well-formed': [
          '<body>a</bod>',
          '<body a="1" a="2"/>',
          '<body>\u0001</body>',
          '<b:body/>',
          '<body>]]></body>',
        ],
        'restricted-xml': ['<body>&nbsp;</body>', '<!-- a --><body/>', '<?a b?><body/>', '<!DOCTYPE a>'],
      }
      for (const [condition, bodies] of Object.entries(broken)) {
        for (const body of bodies) {
          const rough = await RawInstance.connect({ port: gateway.port, domain: ECHO, secret: 'rough' })
          rough.send(`${head}<body>sound</body></message>${head}${body}</message>`)
          await rough.closed
          assert.equal(rough.streamError, condition, body)
        }
      }
      const sound = Object.values(broken).flat().length
      await user.waitForMessage(() => bodies(user).filter((body) => body === 'sound').length === sound)
      assert.equal(await user.who(ECHO), holderOf(user.jid))
      for (const [at, instance] of instances) {
        assert.equal(
          (await instance.iq({ to: 'localhost', from: ECHO, type: 'get', payload: PING })).type,
          'result',
          at,
        )
      }
      assert.equal(gateway.log.all('link-down').length, downs)
    })

    test('while the server restarts the instances stay; what they send arrives or is bounced, and nothing is lost', async (t) => {
      const { server, gateway, user, instances } = yard
      const brief = await RawInstance.connect({ port: gateway.port, domain: 'brief.localhost', secret })
      t.after(() => brief.kill())
      await gateway.log.waitFor('link-up', { domain: 'brief.localhost' })
      const left = gateway.log.all('instance-left', { domain: ECHO }).length
      await server.kill()
      for (const domain of [ECHO, 'brief.localhost']) await gateway.log.waitFor('link-down', { domain })

      const asked = [...instances].flatMap(([at, instance]) =>
        Array.from({ length: 10 }, (_, n) =>
          instance.iq({ to: 'localhost', from: `${at}-${n}@${ECHO}`, type: 'get', payload: PING, seconds: 60 }),
        ),
      )
      brief.send(`<iq type='get' from='brief.localhost' to='localhost' id='brief-1'>${PING}</iq>`)
      brief.send(`<message from='brief.localhost' to='${JULIET}' id='brief-2'><body>x</body></message>`)
      for (const id of ['brief-1', 'brief-2']) {
        const bounce = await brief.waitFor((stanza) => stanza.id === id)
        assert.match(bounce.text, /type='error'.*<error type='wait'><remote-server-timeout /)
        assert.equal(bounce.to, 'brief.localhost')
      }
      // Its queue is that of a patient domain.
      assert.equal(gateway.view.domain(ECHO)!.held.stanzas, asked.length)

      await server.start()
      await gateway.log.waitFor('link-up', { domain: ECHO }, 2)
      for (const reply of await Promise.all(asked)) assert.deepEqual([reply.type, reply.from], ['result', 'localhost'])
      await user.waitFor('ready', 2)
      assert.equal(await user.who(ECHO), holderOf(user.jid))
      await instances.get('blue')!.send({ to: user.jid, from: `bot@${ECHO}`, body: 'here again' })
      await user.waitForMessage(({ body }) => body === 'here again')
      assert.equal(gateway.log.all('instance-left', { domain: ECHO }).length, left)
    })

    test('at the end the counters of every domain add up, and nothing was dropped', () => {
      for (const view of yard.gateway.view.domains()) {
        assertBalanced(view)
        assert.deepEqual(view.counters.dropped, [], view.name)
      }
    })

    /** A user of the crowd whose bucket that instance has. */
    function firstOf(at: string): string {
      for (let n = 0; ; n++)
        if (holderOf(`user${n}@crowd.localhost/phone`) === at) return `user${n}@crowd.localhost/phone`
    }
  })
}

const desk = (jid: string) => jid.replace('phone', 'desk')
const bodies = ({ messages }: Slixmpp) => messages.map(({ body }) => body)

function say(crowd: ComponentInstance, from: string, body: string): Promise<void> {
  return crowd.send(xml('message', { from, to: `bot@${ECHO}`, type: 'chat' }, xml('body', {}, body)))
}
