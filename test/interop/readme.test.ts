import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import { parse } from 'yaml'
import { marked, textOf } from '../docs/markdown.ts'
import { makeFolder } from '../peers/folder.ts'
import { freePort } from '../peers/ports.ts'
import { startServer } from '../peers/server.ts'
import { startSlixmppUser } from '../peers/slixmpp.ts'
import { startGateway, type TestGateway } from '../stub/gateway.ts'

/** The README's set-up as its reader has it: its own files, with nothing changed but the ports. */

const readme = textOf('README.md')
const ECHO = 'echo.example.org'
const JULIET = 'juliet@example.org'
const password = 'r0m30'

/** Whatever a test has started, to be stopped in reverse, though it fails. */
type Stops = (() => Promise<unknown>)[]

async function stopAll(stops: Stops): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop()
}

/** Prosody with the README's part of its configuration, and with what an installation has there anyway. */
async function startProsody(componentPort: number, c2sPort: number) {
  const ours = ported(marked(readme, 'prosody'), { 5275: componentPort })
  return startServer({
    name: 'prosody',
    user: 'prosody',
    debianPackage: 'prosody',
    needs: ['/usr/bin/prosody'],
    files: (folder) => ({
      'prosody.cfg.lua': `${installed(folder, c2sPort)}${ours}`,
      'certs/.keep': '',
      'data/example%2eorg/accounts/juliet.dat': `return { ["password"] = "${password}" };\n`,
    }),
    process: (folder) => ({
      command: '/usr/bin/prosody',
      args: ['-F', '--config', `${folder}/prosody.cfg.lua`],
      readyWhen: [
        new RegExp(`Activated service 'c2s' on .*:${c2sPort}\\b`),
        new RegExp(`Activated service 'component' on .*:${componentPort}\\b`),
      ],
    }),
  })
}

function installed(folder: string, c2sPort: number): string {
  return `daemonize = false
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
certificates = "${folder}/certs"
log = { info = "*console" }
interfaces = { "127.0.0.1" }
c2s_ports = { ${c2sPort} }
c2s_direct_tls_ports = {}
legacy_ssl_ports = {}
s2s_ports = {}
s2s_direct_tls_ports = {}
http_ports = {}
https_ports = {}
modules_enabled = { "roster", "saslauth", "disco" }
modules_disabled = { "s2s", "tls" }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"
`
}

/** ejabberd with the README's listener and nothing else, as one Erlang process without distribution. */
async function startEjabberd(componentPort: number) {
  const ours = parse(ported(marked(readme, 'ejabberd'), { 5275: componentPort }))
  const control = '/usr/sbin/ejabberdctl'
  const libraries = existsSync(control) ? /^ERL_LIBS='(.*)'$/m.exec(readFileSync(control, 'utf8'))?.[1] : undefined
  return startServer({
    name: 'ejabberd',
    user: 'ejabberd',
    debianPackage: 'ejabberd',
    needs: [control, '/usr/bin/erl'],
    files: () => ({
      'ejabberd.yml': JSON.stringify({ hosts: ['example.org'], loglevel: 'info', ...ours }),
      inetrc: '{lookup, ["file", "native"]}.\n{host, {127,0,0,1}, ["localhost"]}.\n',
      'spool/.keep': '',
      'logs/.keep': '',
    }),
    process: (folder) => ({
      command: '/usr/bin/erl',
      args: ['-noinput', '-start_epmd', 'false', '-mnesia', 'dir', `"${folder}/spool"`, '-s', 'ejabberd'],
      env: {
        HOME: folder,
        ERL_LIBS: libraries ?? '/usr/lib',
        ERL_INETRC: `${folder}/inetrc`,
        ERL_CRASH_DUMP: `${folder}/logs/crash.dump`,
        EJABBERD_CONFIG_PATH: `${folder}/ejabberd.yml`,
        EJABBERD_LOG_PATH: `${folder}/logs/ejabberd.log`,
      },
      readyWhen: [new RegExp(`Start accepting TCP connections at 127\\.0\\.0\\.1:${componentPort}\\b`)],
    }),
  })
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

function startYard(componentPort: number): Promise<TestGateway> {
  const setup = ported(marked(readme, 'switchyard setup'), { 5275: componentPort, 5347: 0, 9090: 0 })
  return startGateway(setup.replace(/\$\{SWITCHYARD_TOKEN\}/, 'a-token'))
}

/** A text with other ports. */
function ported(text: string, ports: Readonly<Record<string, number>>): string {
  return Object.entries(ports).reduce((changed, [from, to]) => {
    assert.ok(changed.includes(from), `port ${from} is not in\n${text}`)
    return changed.replaceAll(from, `${to}`)
  }, text)
}

describe("the README's set-up", { timeout: 120_000 }, () => {
  const stops: Stops = []
  after(() => stopAll(stops))

  test('behind Prosody each user hears one instance, and what is sent while it restarts comes late', async () => {
    const [componentPort, c2sPort] = [await freePort(), await freePort()]
    const prosody = await startProsody(componentPort, c2sPort)
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
    const juliet = await startSlixmppUser({ port: c2sPort, jid: `${JULIET}/balcony`, password })
    stops.push(() => juliet.stop())

    await juliet.send({ to: `bot@${ECHO}`, body: 'first', type: 'chat' })
    const { body } = await juliet.waitForMessage((message) => message.body.endsWith(': first'))
    const [name = ''] = body.split(':')
    const explained = gateway.view.explain(ECHO, JULIET, `bot@${ECHO}`)
    assert.ok(explained !== undefined && 'bucket' in explained)
    assert.equal(explained.bucket, names.indexOf(name))

    await stopOf.get(name)?.()
    await gateway.log.waitFor('instance-left', { domain: ECHO })
    await juliet.send({ to: `bot@${ECHO}`, body: 'second', type: 'chat' })
    stops.push(await startEcho(gateway, name, 3))
    await juliet.waitForMessage((message) => message.body === `${name}: second`)
  })

  test("ejabberd takes the link with the README's listener", async () => {
    const componentPort = await freePort()
    const ejabberd = await startEjabberd(componentPort)
    stops.push(() => ejabberd.stop())
    const gateway = await startYard(componentPort)
    stops.push(() => gateway.stop())
    const stop = await startEcho(gateway, 'one', 1)
    stops.push(stop)
    await gateway.log.waitFor('link-up', { domain: ECHO })
  })
})
