import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Sampler } from '../src/sampler.ts'
import { Tuning } from '../src/tuning.ts'
import { startGateway } from './stub/gateway.ts'
import { InnerNode } from './stub/inner-node.ts'
import { RawInstance } from './stub/raw-instance.ts'

const secret = 'swordfish'
const yaml = `
listen: [{port: 0}]
admin: {port: 0, token: correct-horse}
domains:
  users.localhost: {secret: ${secret}}
  bot.localhost: {secret: ${secret}}
domain_balancing: {bot.localhost: {type: bare_source, component_number: 3}}
drain: {seconds: 0}
log: {level: info}
`

/** A node with three instances, and a component that sends. */
async function open(t: TestContext) {
  const gateway = await startGateway(yaml)
  const users = await RawInstance.connect({ port: gateway.port, domain: 'users.localhost', secret })
  const instances: RawInstance[] = []
  for (let n = 0; n < 3; n++) {
    instances.push(await RawInstance.connect({ port: gateway.port, domain: 'bot.localhost', secret }))
  }
  t.after(async () => {
    for (const instance of [users, ...instances]) await instance.kill()
    await gateway.stop()
  })
  const base = `http://127.0.0.1:${gateway.gateway.adminPort}/v1/domains/bot.localhost`
  const ask = async (path: string, body?: unknown) => {
    const headers = {
      ...{ authorization: 'Bearer correct-horse', connection: 'close' },
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    const options = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await fetch(`${base}${path}`, options)
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  /** A hundred users write, and every second message is one user's. */
  const traffic = (): void => {
    let text = ''
    for (let n = 0; n < 200; n++) {
      const user = n % 2 === 0 ? 'hot' : `user${n}`
      text += `<message from='${user}@users.localhost/x' to='bot@bot.localhost'><body>${n}</body></message>`
    }
    users.send(text)
  }
  return { gateway, users, ask, traffic }
}

test('a sample has what is balanced while it is taken, with addresses or with hashes, and each can be previewed', async (t) => {
  const { gateway, users, ask, traffic } = await open(t)
  const [plain, hashed] = [ask('/sample?seconds=2'), ask('/sample?seconds=2&hashed=true')]
  await gateway.log.waitFor('admin-action', { action: 'sample' }, 2)
  traffic()
  await users.settled()
  const { status, body: sample } = await plain
  assert.equal(status, 200)
  assert.deepEqual([sample.stanzas, sample.kept, sample.items.length, sample.nodes.length], [200, 200, 101, 1])
  assert.deepEqual(sample.items[0], { from: 'hot@users.localhost/x', to: 'bot@bot.localhost', weight: 100 })
  const other = (await hashed).body
  assert.doesNotMatch(JSON.stringify(other), /localhost\/|hot|user/)
  const balancing = { type: 'bare_source', component_number: 5 }
  const byAddress = (await ask('/preview', { balancing, sample })).body
  const byHash = (await ask('/preview', { balancing, sample: other })).body
  assert.deepEqual(byHash.now.shares, byAddress.now.shares)
  assert.deepEqual(byHash.move, byAddress.move)
  assert.equal(byAddress.now.hottest[0].key, 'hot@users.localhost')
  assert.equal(byAddress.now.hottest[0].share, 0.5)
  assert.match(byHash.now.hottest[0].key, /^#[0-9a-f]{8}$/)
  assert.deepEqual([byAddress.proposed.component_number, byAddress.proposed.shares.length], [5, 5])
  assert.ok(byAddress.move.moved > 0 && byAddress.move.movedKeys < byAddress.move.keys)
  // Nobody looks any more.
  traffic()
  await users.settled()
  assert.equal((await ask('/sample?seconds=1')).body.stanzas, 0)
})

test('a preview of what there is moves nothing, and of what cannot be is refused', async (t) => {
  const { ask } = await open(t)
  const input = Array.from({ length: 50 }, (_, n) => `user${n}@x.test\tbot@bot.localhost\n`).join('')
  const now = { type: 'bare_source', component_number: 3 }
  const { body } = await ask('/preview', { balancing: now, input })
  assert.deepEqual([body.move.moved, body.move.keys, body.sample], [0, 50, null])
  assert.deepEqual(body.now, body.proposed)
  assert.match((await ask('/preview', { balancing: now })).body.detail, /one of seconds, sample and input/)
  assert.equal((await ask('/preview', { balancing: { type: 'x' }, input })).status, 400)
  assert.equal((await ask('/sample?seconds=601')).status, 400)
})

/** A node that is one of two, and what it asks the other, for as long as nobody says otherwise. */
function oneOfTwo() {
  const { routes, config } = new InnerNode('domains: {a.test: {secret: s}}', {
    ...{ clock: { now: 0 }, registry: () => assert.fail('nobody joins'), keeper: () => undefined },
  })
  const given = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  const sampler = new Sampler({
    ...{ routes, random: Math.random },
    pause: async (_milliseconds, signal) => (signal === undefined ? undefined : given(signal)),
  })
  const nodes = ['a', 'b'].map((name) => ({ name, incarnation: `inc-${name}` }))
  const asked: AbortSignal[] = []
  const tasks = {
    everybody: nodes,
    isUp: true,
    ask: async (
      _what: string,
      _value: unknown,
      among: readonly { name: string }[],
      _seconds: number,
      signal: AbortSignal,
    ) => {
      asked.push(signal)
      await given(signal)
      return { answers: new Map(), silent: among.map(({ name }) => name) }
    },
  }
  const tuning = new Tuning({
    ...{ routes, sampler, tasks, me: () => nodes[0]!, limits: () => config.limits },
    ...{ now: () => 0, preciseNow: () => 0 },
  })
  return { tuning, tasks, asked }
}

const options = { seconds: 600, hashed: false }

test('a sample that nobody waits for ends, here and elsewhere', async () => {
  const { tuning, asked } = oneOfTwo()
  const gone = new AbortController()
  const sample = tuning.sample('a.test', options, gone.signal)
  assert.deepEqual([asked.length, asked[0]?.aborted], [1, false])
  gone.abort()
  const { nodes, silent } = (await sample)!
  assert.deepEqual([nodes, silent, asked[0]?.aborted], [['a'], ['b'], true])
})

test('a sample that this node refuses is not taken elsewhere', async () => {
  const { tuning, asked } = oneOfTwo()
  const gone = new AbortController()
  const taken = Array.from({ length: 4 }, () => tuning.sample('a.test', options, gone.signal))
  await assert.rejects(tuning.sample('a.test', options, gone.signal), /4 samples of a.test are being taken already/)
  assert.deepEqual(
    asked.map(({ aborted }) => aborted),
    [false, false, false, false, true],
  )
  gone.abort()
  await Promise.all(taken)
})

test('while the other nodes cannot be asked, a sample is what this one has seen, and they are named', async () => {
  const { tuning, tasks, asked } = oneOfTwo()
  tasks.isUp = false
  const gone = new AbortController()
  const sample = tuning.sample('a.test', options, gone.signal)
  gone.abort()
  const { nodes, silent } = (await sample)!
  assert.deepEqual([nodes, silent, asked.length], [['a'], ['b'], 0])
})
