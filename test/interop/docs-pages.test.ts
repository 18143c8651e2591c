import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { marked, textOf } from '../docs/markdown.ts'
import { JULIET, ported, startEjabberdWith, startProsodyWith } from '../peers/as-installed.ts'
import { freePort } from '../peers/ports.ts'
import { startSlixmppUser } from '../peers/slixmpp.ts'
import { startGateway } from '../stub/gateway.ts'
import { RawInstance } from '../stub/raw-instance.ts'

/** The pages on Prosody and ejabberd as their readers have them: both sides' files, with nothing changed but the ports. */

const ECHO = 'echo.example.org'
/** What the page says that instances log in with. */
const SECRET = 'instance-secret'

for (const page of ['prosody', 'ejabberd'] as const) {
  describe(`docs/${page}.md`, { timeout: 120_000 }, () => {
    const text = textOf(`docs/${page}.md`)
    const stops: (() => Promise<unknown>)[] = []
    after(async () => {
      for (const stop of stops.reverse()) await stop()
    })

    test('with its files a message goes from a user of the server to the one instance of his bucket, and back', async () => {
      const [component, c2s] = [await freePort(), await freePort()]
      if (page === 'prosody') {
        const prosody = await startProsodyWith(marked(text, page), { component, c2s })
        stops.push(() => prosody.stop())
      } else {
        const ejabberd = await startEjabberdWith(marked(text, page), { component, c2s, http: await freePort() })
        stops.push(() => ejabberd.stop())
        await ejabberd.register()
      }
      const gateway = await startGateway(ported(marked(text, 'switchyard'), { 5275: component, 5347: 0, 9090: 0 }))
      stops.push(() => gateway.stop())
      const options = { port: gateway.port, domain: ECHO, secret: SECRET }
      const instances = [await RawInstance.connect(options), await RawInstance.connect(options)]
      stops.push(() => Promise.all(instances.map((instance) => instance.kill())))
      await gateway.log.waitFor('link-up', { domain: ECHO })
      const juliet = await startSlixmppUser({ port: c2s, jid: `${JULIET.jid}/balcony`, password: JULIET.password })
      stops.push(() => juliet.stop())

      const explained = gateway.view.explain(ECHO, juliet.jid, `bot@${ECHO}`)
      assert.ok(explained !== undefined && 'bucket' in explained)
      const holder = instances[explained.bucket!]!
      await juliet.send({ to: `bot@${ECHO}`, body: 'hello', type: 'chat' })
      const { from, to } = await holder.waitFor((stanza) => stanza.text.includes('<body>hello</body>'))
      assert.deepEqual([from, to], [juliet.jid, `bot@${ECHO}`])
      holder.send(`<message from='${to}' to='${from}' type='chat'><body>hello yourself</body></message>`)
      await juliet.waitForMessage(({ body }) => body === 'hello yourself')
      const other = instances.find((instance) => instance !== holder)!
      assert.deepEqual(
        other.stanzas.filter(({ name }) => name === 'message'),
        [],
      )
    })
  })
}
