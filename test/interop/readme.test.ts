import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, describe, test } from 'node:test'
import { marked, textOf } from '../docs/markdown.ts'
import { JULIET, ported, startEjabberdWith, startProsodyWith } from '../peers/as-installed.ts'
import { makeFolder } from '../peers/folder.ts'
import { freePort } from '../peers/ports.ts'
import { startSlixmppUser } from '../peers/slixmpp.ts'
import { startGateway, type TestGateway } from '../stub/gateway.ts'

/** The README's set-up as its reader has it: its own files, with nothing changed but the ports. */

const readme = textOf('README.md')
const ECHO = 'echo.example.org'

/** Whatever a test has started, to be stopped in reverse, though it fails. */
type Stops = (() => Promise<unknown>)[]

async function stopAll(stops: Stops): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop()
}

/** The README's own instance, by its name; joined when this resolves. Returns how to stop it, with Ctrl-C. */
async function startEcho(gateway: TestGateway, name: string, nth: number): Promise<() => Promise<void>> {
  const script = ported(marked(readme, 'instance'), { 5347: gateway.port })
  const folder = makeFolder('switchyard-readme', 'root', () => ({ 'echo.py': script }))
  const command = ['--pdeathsig', 'KILL', '--', '/usr/bin/python3', `${folder.path}/echo.py`, name]
  const child = spawn('setpriv', command, { stdio: 'ignore' })
  await gateway.log.waitFor('instance-joined', { domain: ECHO }, nth)
  return async () => {
    folder.remove()
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGINT')
    await once(child, 'close')
  }
}

/** The same, with slixmpp's own log: `refused` resolves when it has been refused so often since. */
async function startTalkingEcho(gateway: TestGateway) {
  const script = ported(marked(readme, 'instance'), { 5347: gateway.port })
  const folder = makeFolder('switchyard-readme', 'root', () => ({ 'echo.py': script }))
  const program =
    'import logging, runpy, sys; logging.basicConfig(level=logging.DEBUG); runpy.run_path(sys.argv.pop(1))'
  const command = ['--pdeathsig', 'KILL', '--', '/usr/bin/python3', '-c', program, `${folder.path}/echo.py`, 'one']
  const child = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'pipe'] })
  const lines = createInterface({ input: child.stderr })
  await gateway.log.waitFor('instance-joined', { domain: ECHO })
  return {
    async refused(times: number) {
      let left = times
      for await (const line of lines) if (line.includes('Connection failed') && --left === 0) return
      assert.fail('it ended first')
    },
    async stop() {
      folder.remove()
      child.kill('SIGKILL')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
    },
  }
}

function startYard(componentPort: number): Promise<TestGateway> {
  const setup = ported(marked(readme, 'switchyard setup'), { 5275: componentPort, 5347: 0, 9090: 0 })
  return startGateway(setup.replace(/\$\{SWITCHYARD_TOKEN\}/, 'a-token'))
}

describe("the README's set-up", { timeout: 120_000 }, () => {
  const stops: Stops = []
  after(() => stopAll(stops))

  test('behind Prosody each user hears one instance, and what is sent while it restarts comes late', async () => {
    const [componentPort, c2sPort] = [await freePort(), await freePort()]
    const prosody = await startProsodyWith(marked(readme, 'prosody'), { component: componentPort, c2s: c2sPort })
    stops.push(() => prosody.stop())
    const gateway = await startYard(componentPort)
    stops.push(() => gateway.stop())
    const names = ['one', 'two']
    const stopOf = new Map<string, () => Promise<void>>()
    for (const [index, name] of names.entries()) {
      const stop = await startEcho(gateway, name, index + 1)
      stops.push(stop)
      stopOf.set(name, stop)
    }
    await gateway.log.waitFor('link-up', { domain: ECHO })
    const juliet = await startSlixmppUser({ port: c2sPort, jid: `${JULIET.jid}/balcony`, password: JULIET.password })
    stops.push(() => juliet.stop())

    await juliet.send({ to: `bot@${ECHO}`, body: 'first', type: 'chat' })
    const { body } = await juliet.waitForMessage((message) => message.body.endsWith(': first'))
    const [name = ''] = body.split(':')
    const explained = gateway.view.explain(ECHO, JULIET.jid, `bot@${ECHO}`)
    assert.ok(explained !== undefined && 'bucket' in explained)
    assert.equal(explained.bucket, names.indexOf(name))

    await stopOf.get(name)?.()
    await gateway.log.waitFor('instance-left', { domain: ECHO })
    await juliet.send({ to: `bot@${ECHO}`, body: 'second', type: 'chat' })
    stops.push(await startEcho(gateway, name, 3))
    await juliet.waitForMessage((message) => message.body === `${name}: second`)
  })

  test('an instance is back soon although the node was away for longer than slixmpp likes', async () => {
    const port = await freePort()
    const startOn = () => startGateway(`listen: [{port: ${port}}]\ndomains: {${ECHO}: {secret: instance-secret}}\n`)
    const first = await startOn()
    const echo = await startTalkingEcho(first)
    stops.push(echo.stop)
    await first.stop()
    // By itself slixmpp would take two minutes for so many: its pauses are of 1, 3, 7, 15, 31 and 63 s.
    await echo.refused(7)
    const second = await startOn()
    stops.push(() => second.stop())
    await second.log.waitFor('instance-joined', { domain: ECHO })
  })

  test("ejabberd takes the link with the README's listener", async () => {
    const [componentPort, c2s, http] = [await freePort(), await freePort(), await freePort()]
    const ejabberd = await startEjabberdWith(marked(readme, 'ejabberd'), { component: componentPort, c2s, http })
    stops.push(() => ejabberd.stop())
    const gateway = await startYard(componentPort)
    stops.push(() => gateway.stop())
    const stop = await startEcho(gateway, 'one', 1)
    stops.push(stop)
    await gateway.log.waitFor('link-up', { domain: ECHO })
  })
})
