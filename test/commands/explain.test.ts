import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { explain } from '../../src/commands/explain.ts'
import type { Given } from '../../src/commands/given.ts'
import { SwitchyardError } from '../../src/errors.ts'
import { startGateway, type TestGateway } from '../stub/gateway.ts'
import { StubInstance } from '../stub/instance.ts'

const domains = `
domains:
  plays.test: {secret: swordfish}
  rooms.test:
    instances: {red: {secret: a, bucket: 0}, green: {secret: b}, blue: {secret: c, bucket: 2}}
  bots.test: {secret: swordfish}
  games.test: {instances: {red: {secret: a}, green: {secret: b}}}
domain_balancing:
  plays.test: {type: bare_source, component_number: 3}
  rooms.test: {type: bare_destination, component_number: 3}
  games.test: {type: source}
`

const plain = `listen: [{port: 0}]${domains}`

interface Said {
  readonly code: number
  readonly out: string
}

/** Runs the command on a configuration's text. */
async function run(yaml: string, from: string, to: string, ...flags: readonly string[]): Promise<Said> {
  let out = ''
  const given: Given = { args: [from, to], options: new Map(flags.map((flag) => [flag, ''])) }
  const code = await explain('yard.yaml', given, {
    env: {},
    hostname: 'box',
    readFile: () => yaml,
    stdout: (text) => {
      out += text
    },
  })
  return { code, out }
}

const json = async (yaml: string, from: string, to: string) => JSON.parse((await run(yaml, from, to, 'json')).out)

test('from the configuration alone, key and bucket are known and the instance is not', async () => {
  const answer = await json(plain, 'Juliet@Capulet.test/balcony', 'plays.test')
  const { source, note, criterion, key, bucket, instance, node, outcome } = answer
  assert.deepEqual(
    { source, criterion, key },
    { source: 'config', criterion: 'bare_source', key: 'juliet@capulet.test' },
  )
  assert.deepEqual({ bucket, instance, node, outcome }, { bucket: 0, instance: null, node: null, outcome: null })
  assert.equal(note, 'it has no admin port to ask a node at')
})

test('an instance that the configuration gives the bucket is named, and no other', async () => {
  const found = new Map<number, string | null>()
  for (let room = 0; room < 20; room++) {
    const { bucket, instance } = await json(plain, 'a@b.test', `room${room}@rooms.test`)
    found.set(bucket, instance)
  }
  assert.deepEqual([...found].sort(), [
    [0, 'red'],
    [1, null],
    [2, 'blue'],
  ])
})

test('without buckets no instance is promised, as nobody knows which are connected', async () => {
  const { instance, because } = await json(plain, 'a@b.test/x', 'games.test')
  assert.equal(instance, null)
  assert.match(because.at(-1), /^if all instances of the configuration are connected, it is (red|green)'s$/)
})

test('a domain without domain_balancing has neither key nor bucket', async () => {
  const { criterion, key, bucket } = await json(plain, 'a@b.test/x', 'bots.test')
  assert.deepEqual({ criterion, key, bucket }, { criterion: 'random', key: null, bucket: null })
})

test('the text is a few lines, and says who says so', async () => {
  const { code, out } = await run(plain, 'juliet@capulet.test/balcony', 'plays.test')
  assert.equal(code, 0)
  assert.match(out, /^key {8}juliet@capulet\.test$/m)
  assert.match(out, /^instance {3}known only to a running node$/m)
  assert.match(out, /^says {7}the configuration alone; it has no admin port to ask a node at$/m)
  assert(out.split('\n').length < 14)
})

test("Switchyard's own address is answered by the node itself", async () => {
  assert.match((await run(plain, 'a@b.test', 'switchyard.localhost')).out, /answers it itself/)
})

test('what is no JID, or for a domain that is not served, is refused by name', async () => {
  const refused = (message: RegExp) => (error: unknown) =>
    error instanceof SwitchyardError && error.exitCode === 1 && message.test(error.message)
  await assert.rejects(run(plain, 'a@', 'plays.test'), refused(/^FROM: 'a@' is no JID$/))
  await assert.rejects(run(plain, 'a@b.test', '@plays.test'), refused(/^TO: '@plays\.test' is no JID$/))
  await assert.rejects(
    run(plain, 'a@b.test', 'other.test'),
    refused(
      /^TO: the domain other\.test is not served; served are: plays\.test, rooms\.test, bots\.test, games\.test$/,
    ),
  )
})

test('a running node is asked, and names the instance and itself', async (t) => {
  const node = await startNode(t)
  const port = node.gateway.adminPort
  const before = await json(`${plain}admin: {port: ${port}}\n`, 'juliet@capulet.test/balcony', 'plays.test')
  assert.deepEqual([before.source, before.outcome, before.instance], ['node', 'hold', null])
  const instance = await StubInstance.join(node.port, 'plays.test')
  t.after(() => instance.die())
  const after = await json(
    `${plain}admin: {host: 0.0.0.0, port: ${port}}\n`,
    'juliet@capulet.test/balcony',
    'plays.test',
  )
  assert.deepEqual([after.outcome, after.instance, after.node], ['deliver', 'yard/1', 'yard'])
  assert.equal(after.note, `asked at 127.0.0.1:${port}`)
})

test('a node that balances by another configuration is asked, and told apart from the file; --local asks none', async (t) => {
  const node = await startNode(t)
  const admin = `admin: {port: ${node.gateway.adminPort}}\n`
  const other = `${plain.replace('component_number: 3', 'component_number: 5')}${admin}`
  const user = 'juliet@capulet.test'
  const asked = await json(other, user, 'plays.test')
  assert.equal(asked.source, 'node')
  assert.match(asked.note, /; its configuration of the domain is not that of the file: --local answers by the file$/)
  assert.equal('digest' in asked, false)
  const local = JSON.parse((await run(other, user, 'plays.test', 'json', 'local')).out)
  assert.deepEqual([local.source, local.note, local.instance], ['config', 'no node was asked', null])
})

test('a node that answers nonsense or an error is no node, and the note says what it said', async (t) => {
  const port = await startServer(t, 404, { title: 'Not Found', detail: 'no such domain is served here' })
  const { source, note } = await json(`${plain}admin: {port: ${port}}\n`, 'a@b.test', 'plays.test')
  assert.equal(source, 'config')
  assert.equal(note, `127.0.0.1:${port} answered 404: no such domain is served here`)
  const odd = await startServer(t, 200, { criterion: 7 })
  assert.equal((await json(`${plain}admin: {port: ${odd}}\n`, 'a@b.test', 'plays.test')).source, 'config')
})

async function startNode(t: TestContext): Promise<TestGateway> {
  const node = await startGateway(`node: yard\n${plain}admin: {port: 0}\nlog: {level: info}\n`)
  t.after(() => node.stop())
  return node
}

function startServer(t: TestContext, status: number, body: object): Promise<number> {
  const server = createServer((_request, response) => response.writeHead(status).end(JSON.stringify(body)))
  t.after(() => void server.close())
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}

test('with erlang_phash2 it names the bucket and the key that ejabberd has, and the hash', async () => {
  const yaml = plain.replace('secret: swordfish', 'secret: swordfish, hash: erlang_phash2')
  // Taken from Erlang: erlang:phash2({<<"juliet">>, <<"example.com">>, <<>>}, 3).
  const answer = await json(yaml, 'Juliet@Example.com/balcony', 'plays.test')
  assert.deepEqual([answer.key, answer.bucket], ['juliet@example.com', 2028815324 % 3])
  assert.match(answer.because.join('; '), /its erlang_phash2 hash is 2028815324/)
  const dotted = await json(yaml, 'a@example.com.', 'plays.test')
  assert.equal(dotted.key, 'a@example.com.')
})
