import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { StubInstance } from '../stub/instance.ts'
import { type Running, startProgram, temporaryFile } from './program.ts'

const yaml = (more = ''): string =>
  `listen: [{port: 0}]\ndomains: {plays.test: {secret: swordfish}}\ndrain: {seconds: 1}\n${more}`

interface Problem {
  readonly status?: number
  readonly detail?: string
  readonly nodes: readonly unknown[]
}

interface Node extends Running {
  readonly path: string
  readonly port: number
}

/** `switchyard run`, once it says that it is ready. */
async function startNode(t: TestContext): Promise<Node> {
  const path = temporaryFile(t, 'yard.yaml', yaml())
  const running = startProgram(t, 'run', '--config', path)
  const ready = JSON.parse(await running.line((line) => line.includes('"msg":"ready"')))
  return { ...running, path, port: ready.ports[0] }
}

const coded = (code: string) => (line: string) => JSON.parse(line).code === code

test('the ready line is one JSON line on standard output, and instances can connect by then', async (t) => {
  const { port } = await startNode(t)
  const instance = await StubInstance.join(port, 'plays.test')
  await instance.die()
})

test('SIGHUP takes a new configuration into force and closes no stream', async (t) => {
  const { child, path, port, line } = await startNode(t)
  const instance = await StubInstance.join(port, 'plays.test')
  writeFileSync(path, yaml().replace('plays.test:', 'rooms.test: {secret: swordfish}, plays.test:'))
  child.kill('SIGHUP')
  await line(coded('config-reloaded'))
  const other = await StubInstance.join(port, 'rooms.test')
  assert.equal(instance.socket.readyState, 'open')
  await Promise.all([instance.die(), other.die()])
})

test('SIGHUP with a configuration that has problems changes nothing and logs each of them', async (t) => {
  const { child, path, port, line } = await startNode(t)
  writeFileSync(path, yaml('nod: x\n'))
  child.kill('SIGHUP')
  const { level, problems } = JSON.parse(await line(coded('config-refused')))
  assert.equal(level, 'error')
  assert.deepEqual(problems, [`${path}:4:1 nod: is not a known key; did you mean node?`])
  await (await StubInstance.join(port, 'plays.test')).die()
})

test('[RFC 9457 §3.2] a reload asked for over HTTP that finds problems is refused with 409, which names the node and each of them', async (t) => {
  const admin = 'node: yard\nadmin: {port: 0, token: sesame}\n'
  const path = temporaryFile(t, 'yard.yaml', yaml(admin))
  const { line } = startProgram(t, 'run', '--config', path)
  const { port } = JSON.parse(await line(coded('admin-listening')))
  await line(coded('ready'))
  const ask = async () => {
    const headers = { authorization: 'Bearer sesame', connection: 'close' }
    const answer = await fetch(`http://127.0.0.1:${port}/v1/reload`, { method: 'POST', headers })
    return { status: answer.status, type: answer.headers.get('content-type'), body: (await answer.json()) as Problem }
  }
  writeFileSync(path, yaml(`${admin}nod: x\nlimit: y\n`))
  const { status, type, body } = await ask()
  const problems = [
    `${path}:6:1 nod: is not a known key; did you mean node?`,
    `${path}:7:1 limit: is not a known key; did you mean limits?`,
  ].join('\n')
  assert.deepEqual([status, body.status], [409, 409])
  assert.match(String(type), /^application\/problem\+json/)
  assert.deepEqual([body.detail, body.nodes], [`yard: ${problems}`, [{ node: 'yard', error: problems }]])
  await line(coded('config-refused'))
  writeFileSync(path, yaml(admin))
  const { status: mended, body: after } = await ask()
  assert.deepEqual([mended, after], [200, { nodes: [{ node: 'yard', value: null }], silent: [] }])
})

test('[RFC 6120 §4.9.3.20] SIGTERM closes every stream with system-shutdown, and the exit code is 0', async (t) => {
  const { child, port, ended, line } = await startNode(t)
  const instance = await StubInstance.join(port, 'plays.test')
  child.kill('SIGTERM')
  assert.match(await instance.error(), /system-shutdown/)
  await line(coded('stopped'))
  assert.deepEqual(await code(ended), { code: 0, signal: null })
})

test('a second signal stops it at once, whatever is unanswered', async (t) => {
  const path = temporaryFile(t, 'yard.yaml', yaml().replace('seconds: 1', 'seconds: 600'))
  const { child, ended, line } = startProgram(t, 'run', '--config', path)
  const ready = JSON.parse(await line((text) => text.includes('"msg":"ready"')))
  const instance = await StubInstance.join(ready.ports[0], 'plays.test')
  instance.send("<iq type='get' id='1' from='plays.test' to='plays.test'><a xmlns='a'/></iq>")
  // The request goes to the only instance there is: itself. It does not answer.
  await instance.stanza()
  child.kill('SIGINT')
  await line(coded('stopping'))
  child.kill('SIGTERM')
  assert.deepEqual(await code(ended), { code: 0, signal: null })
})

test('a port in use is exit code 1 and names the port', async (t) => {
  const { port } = await startNode(t)
  const path = temporaryFile(t, 'yard.yaml', yaml().replace('port: 0', `port: ${port}`))
  const { ended } = startProgram(t, 'run', '--config', path)
  const { code, err } = await ended
  assert.equal(code, 1)
  assert.match(err, new RegExp(`^switchyard: listen 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`))
})

test('every problem of the configuration is a line, and the exit code is 1', async (t) => {
  const path = temporaryFile(t, 'yard.yaml', yaml('nod: x\nadmn: {}\n'))
  const { ended } = startProgram(t, 'run', '--config', path)
  const { code, out, err } = await ended
  assert.deepEqual({ code, out }, { code: 1, out: '' })
  const [first, ...lines] = err.trimEnd().split('\n')
  assert.equal(first, 'switchyard: the configuration has 2 problems:')
  for (const line of lines) assert(line.startsWith(`${path}:`), line)
  assert.equal(lines.length, 2)
})

async function code(ended: Running['ended']) {
  const { code, signal } = await ended
  return { code, signal }
}
