import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { ServiceManager } from '../../src/commands/service-manager.ts'
import { startUnder, temporaryFile } from './program.ts'

type Message = Readonly<Record<string, string>>

interface Receiver {
  readonly socket: string
  /** The next message that matches; what came before it is left behind. */
  next(match: (message: Message) => boolean): Promise<Message>
  /** All that have come, in order. */
  readonly messages: readonly Message[]
}

/** As systemd listens: a Unix socket of datagrams, which Node has not. */
const LISTEN = `
import json, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True:
    # The descriptors that come along are closed by it: systemd-notify waits for that.
    print(json.dumps(server.recv(4096).decode()), flush=True)
`

async function receive(t: TestContext): Promise<Receiver> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-notify-'))
  const socket = join(folder, 'notify')
  const python = spawn('python3', ['-c', LISTEN, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => {
    python.kill()
    rmSync(folder, { recursive: true })
  })
  const messages: Message[] = []
  let wake = (): void => {}
  const lines = createInterface({ input: python.stdout })
  await once(lines, 'line')
  lines.on('line', (line) => {
    const assignments = String(JSON.parse(line)).trimEnd().split('\n')
    // A message of one line that says nothing else is systemd-notify's barrier.
    if (assignments[0] === 'BARRIER=1') return
    messages.push(Object.fromEntries(assignments.map((text) => text.split(/=(.*)/s).slice(0, 2))))
    wake()
  })
  let at = 0
  return {
    socket,
    messages,
    async next(match) {
      for (;;) {
        for (; at < messages.length; at++) if (match(messages[at]!)) return messages[at++]!
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

const config = 'listen: [{port: 0}]\ndomains: {plays.test: {secret: swordfish}}\ndrain: {seconds: 0}\n'
/** What the receiver has not got is missed; that it has gone before systemd-notify has its barrier through is no matter. */
const ignore = (): void => {}
const has = (name: string) => (message: Message) => message[name] === '1'

test('[sd_notify(3)] systemd hears that a node is ready, reloads, and stops, in that order', async (t) => {
  const receiver = await receive(t)
  const path = temporaryFile(t, 'yard.yaml', config)
  const { child, ended } = startUnder(t, [], ['run', '--config', path], { NOTIFY_SOCKET: receiver.socket })
  const ready = await receiver.next(has('READY'))
  assert.match(ready.STATUS ?? '', /^takes instances at port \d+$/)
  const before = process.hrtime.bigint() / 1000n
  child.kill('SIGHUP')
  const reloading = await receiver.next(has('RELOADING'))
  const at = BigInt(reloading.MONOTONIC_USEC ?? 0)
  assert.ok(before <= at && at <= process.hrtime.bigint() / 1000n, `${before} ${at}`)
  await receiver.next(has('READY'))
  writeFileSync(path, `${config}nod: x\n`)
  child.kill('SIGHUP')
  await receiver.next(has('RELOADING'))
  assert.match((await receiver.next(has('READY'))).STATUS ?? '', /a new configuration was refused$/)
  child.kill('SIGTERM')
  await receiver.next(has('STOPPING'))
  assert.equal((await ended).code, 0)
  // Nobody has asked for signs of life.
  assert.ok(receiver.messages.every((message) => message.WATCHDOG === undefined))
})

test('[sd_watchdog_enabled(3)] the event loop gives signs of life for as long as it turns', async (t) => {
  const receiver = await receive(t)
  const path = temporaryFile(t, 'yard.yaml', config)
  const env = { NOTIFY_SOCKET: receiver.socket, WATCHDOG_USEC: '100000' }
  const { child, ended } = startUnder(t, [], ['run', '--config', path], env)
  await receiver.next(has('READY'))
  for (let beat = 0; beat < 3; beat++) await receiver.next(has('WATCHDOG'))
  child.kill('SIGTERM')
  await receiver.next(has('STOPPING'))
  assert.equal((await ended).code, 0)
})

test('an event loop that stands still gives no sign of life', async (t) => {
  const receiver = await receive(t)
  const env = { PATH: process.env.PATH, NOTIFY_SOCKET: receiver.socket, WATCHDOG_USEC: '200000' }
  const manager = new ServiceManager({ env, pid: process.pid, monotonic: process.hrtime.bigint }, ignore)
  t.after(() => manager.end())
  await receiver.next(has('WATCHDOG'))
  const heard = receiver.messages.length
  // As long as fifteen signs of life.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500)
  manager.ready('after all')
  manager.end()
  await receiver.next(has('READY'))
  // One may have been on its way, and one due when the loop turned again.
  assert.ok(receiver.messages.length - heard <= 3, JSON.stringify(receiver.messages.slice(heard)))
})

test('signs of life that another process is asked for are none of ours', async (t) => {
  const receiver = await receive(t)
  const env = { PATH: process.env.PATH, NOTIFY_SOCKET: receiver.socket, WATCHDOG_USEC: '1000', WATCHDOG_PID: '1' }
  const manager = new ServiceManager({ env, pid: process.pid, monotonic: () => 0n }, ignore)
  t.after(() => manager.end())
  manager.ready('serves')
  await receiver.next(has('READY'))
  manager.stopping()
  await receiver.next(has('STOPPING'))
  assert.equal(receiver.messages.length, 2)
})

test('what could not be sent is told once, and the node goes on', async (t) => {
  const path = temporaryFile(t, 'yard.yaml', config)
  const env = { NOTIFY_SOCKET: '/nonexistent/notify', WATCHDOG_USEC: '20000' }
  const { child, ended, line } = startUnder(t, [], ['run', '--config', path], env)
  await line((text) => text.includes('"code":"notify-failed"'))
  await line((text) => text.includes('"code":"ready"'))
  child.kill('SIGHUP')
  await line((text) => text.includes('"code":"config-reloaded"'))
  child.kill('SIGTERM')
  const { code, out } = await ended
  assert.equal(code, 0)
  assert.equal(out.split('"code":"notify-failed"').length, 2, out)
})

test('where systemd-notify is missing, that is what is told', async () => {
  const reason = await new Promise<string>((resolve) => {
    const env = { PATH: '/nonexistent', NOTIFY_SOCKET: '/nonexistent/notify' }
    const manager = new ServiceManager({ env, pid: 1, monotonic: () => 0n }, resolve)
    manager.ready('serves')
    manager.end()
  })
  assert.match(reason, /systemd-notify/)
})

test('without systemd nothing is started', () => {
  const processes = () => process.getActiveResourcesInfo().filter((name) => name === 'ProcessWrap').length
  const before = processes()
  const manager = new ServiceManager({ env: { WATCHDOG_USEC: '1' }, pid: 1, monotonic: () => 0n }, assert.fail)
  for (const tell of [() => manager.ready('serves'), () => manager.reloading(), () => manager.stopping()]) tell()
  assert.equal(processes(), before)
  manager.end()
})
