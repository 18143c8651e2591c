import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Redis } from 'ioredis'
import { runCommand } from '../../stub/gateway.ts'
import { BOT, leftAndRight, settings, twoBuckets, USERS } from './traffic.ts'
import { type Member, TOKEN, until, Yard } from './yard.ts'

const nodes = ['a', 'b', 'c']
const plain = settings(leftAndRight, twoBuckets)

interface Consistency {
  readonly consistent: boolean
  readonly nodes: readonly string[]
  readonly differences: readonly { readonly kind: string; readonly text: string; readonly instance?: string }[]
  readonly silent: readonly string[]
}

async function consistency(member: Member): Promise<Consistency> {
  return (await member.process.admin('/v1/cluster/consistency')) as Consistency
}

/** Asks for something that needs the token. */
async function post(member: Member, path: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const { port } = await member.process.log.waitFor('admin-listening')
  const headers = { authorization: `Bearer ${TOKEN}`, connection: 'close' }
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers })
  return { status: answer.status, body: await answer.json() }
}

describe('what is asked of all nodes', { concurrency: true, timeout: 90_000 }, () => {
  test('in health, and after a node was killed, every node and the command find no difference', async (t) => {
    const yard = await Yard.start(t, { nodes, settings: plain })
    for (const [n, name] of ['left', 'right', 'spare'].entries()) await yard.node(nodes[n]!).join(BOT, name)
    await yard.node('c').join(USERS, USERS)
    await yard.joined(BOT, 3)
    const check = async (wanted: readonly string[]): Promise<void> => {
      for (const member of yard.members) {
        const { consistent, differences, silent, nodes: found } = await consistency(member)
        assert.deepEqual({ consistent, differences, silent }, { consistent: true, differences: [], silent: [] })
        assert.deepEqual([...found].sort(), wanted)
      }
      const said = await runCommand(await yard.config('x', yard.node('a').redis), 'check', '--cluster')
      assert.match(said, /^\d nodes and Redis agree/)
    }
    await check(nodes)
    await yard.kill('b')
    await yard.together(['a', 'c'])
    await yard.joined(BOT, 2)
    await yard.node('a').join(BOT, 'right')
    await yard.joined(BOT, 3)
    await check(['a', 'c'])
  })

  test('a field that was taken out of Redis by hand is named', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    await yard.node('a').join(BOT, 'left')
    await yard.joined(BOT, 1)
    const client = new Redis(yard.redis.port)
    t.after(() => client.disconnect())
    assert.equal(await client.hdel('switchyard:{table}:fields', `instance/${BOT}/left`), 1)
    const { consistent, differences } = await consistency(yard.node('b'))
    assert.equal(consistent, false)
    assert.ok(
      differences.some(({ instance, text }) => instance === 'left' && text.includes('left')),
      JSON.stringify(differences),
    )
    await assert.rejects(
      runCommand(await yard.config('x', yard.node('a').redis), 'check', '--cluster'),
      /left|Command failed/,
    )
  })

  test('a reload asked of one node is done by all, and one that stands still is named', async (t) => {
    const yard = await Yard.start(t, { nodes, settings: plain, cluster: { task_seconds: 2 } })
    const all = await post(yard.node('a'), '/v1/reload')
    assert.equal(all.status, 200, JSON.stringify(all))
    for (const { process } of yard.members) await process.log.waitFor('config-reloaded')
    yard.node('c').process.pause()
    const { status, body } = await post(yard.node('b'), '/v1/reload')
    yard.node('c').process.resume()
    assert.deepEqual([status, (body as { silent: string[] }).silent], [504, ['c']])
    for (const name of ['a', 'b']) await yard.node(name).process.log.waitFor('config-reloaded', {}, 2)
  })

  test('a reload that one node refuses is answered 409 with what that node found; the others have done it', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    const { process, redis } = yard.node('b')
    process.reload(await yard.config('b', redis, { nod: 'x' }))
    await process.log.waitFor('config-refused')
    const { status, body } = await post(yard.node('a'), '/v1/reload')
    const { detail, nodes } = body as { detail: string; nodes: { node: string; error?: string }[] }
    assert.equal(status, 409)
    assert.match(detail, /^b: .*nod: is not a known key/)
    assert.deepEqual(nodes.map(({ node, error }) => [node, error === undefined]).sort(), [
      ['a', true],
      ['b', false],
    ])
    await yard.node('a').process.log.waitFor('config-reloaded')
    assert.deepEqual(process.log.all('config-reloaded'), [])
  })

  test('a drain of a node asked of another ends it in order', async (t) => {
    const yard = await Yard.start(t, { nodes, settings: plain })
    const right = await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 1)
    assert.equal((await post(yard.node('a'), '/v1/nodes/b/drain')).status, 202)
    assert.equal(await yard.node('b').process.exited, 0)
    await right.closed
    await yard.together(['a', 'c'])
    await until('its instance is gone', async () => (await yard.node('a').instances(BOT)).length === 0)
    assert.equal((await post(yard.node('a'), '/v1/nodes/b/drain')).status, 404)
  })

  test('a reload that takes every node out of the cluster is answered by all of them, in time', async (t) => {
    const yard = await Yard.start(t, { nodes, settings: plain })
    const streams = await Promise.all(nodes.map((name) => yard.node(name).join(USERS, USERS)))
    await yard.joined(USERS, 3)
    for (const { name, process, redis } of yard.members) {
      process.write(await yard.config(name, redis, { cluster: undefined }))
    }
    const { status, body } = await post(yard.node('a'), '/v1/reload')
    const { nodes: answered, silent } = body as { nodes: { node: string }[]; silent: string[] }
    assert.deepEqual([status, answered.map(({ node }) => node).sort(), silent], [200, nodes, []])
    for (const member of yard.members) {
      await member.process.log.waitFor('config-reloaded')
      assert.deepEqual(
        (await member.nodes()).map(({ name }) => name),
        [member.name],
      )
    }
    for (const stream of streams) await stream.settled()
    const client = new Redis(yard.redis.port)
    t.after(() => client.disconnect())
    await until('nobody is connected to Redis', async () => {
      const clients = String(await client.client('LIST'))
        .trim()
        .split('\n')
      return clients.length === 1
    })
  })

  test('while a node does not reach Redis it refuses at once what is for another, and nothing happens later', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    await yard.node('b').join(BOT, 'right')
    await yard.joined(BOT, 1)
    const { process, redis } = yard.node('a')
    await redis.refuse()
    await process.log.waitFor('cluster-down')
    for (const path of ['/v1/nodes/b/drain', `/v1/domains/${BOT}/instances/right/kick`, '/v1/reload']) {
      const { status, body } = await post(yard.node('a'), path)
      assert.equal(status, 503, path)
      assert.match((body as { detail: string }).detail, /does not reach Redis/)
    }
    await redis.heal()
    await process.log.waitFor('cluster-up')
    // It comes after all that was asked before. Redis may be lost once more at first; what is refused then is not done.
    let reloaded = 503
    await until('the reload is not refused any more', async () => {
      reloaded = (await post(yard.node('a'), '/v1/reload')).status
      return reloaded !== 503
    })
    assert.equal(reloaded, 200)
    assert.deepEqual(await yard.node('b').process.log.all('stopping'), [])
    assert.deepEqual(
      (await yard.node('b').instances(BOT)).map(({ name }) => name),
      ['right'],
    )
    assert.equal(yard.node('b').process.log.all('config-reloaded').length, 1)
  })

  test('what comes after the asker was told that nobody answered is not done', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain, cluster: { task_seconds: 1 } })
    const { redis } = yard.node('a')
    redis.hang()
    assert.equal((await post(yard.node('a'), '/v1/nodes/b/drain')).status, 504)
    await redis.heal()
    const { log } = yard.node('b').process
    assert.equal((await log.waitFor('cluster-task-late')).task, 'drain')
    assert.deepEqual(log.all('stopping'), [])
    await until('a knows that Redis is back', async () => (await yard.node('a').metric('switchyard_cluster_up')) === 1)
    assert.equal((await post(yard.node('a'), '/v1/nodes/b/drain')).status, 202)
    assert.equal(await yard.node('b').process.exited, 0)
  })

  test('a sample that nobody waits for is taken by no node any more', async (t) => {
    const yard = await Yard.start(t, { nodes: ['a', 'b'], settings: plain })
    const { log } = yard.node('a').process
    const { port } = await log.waitFor('admin-listening')
    const sample = (seconds: number, signal?: AbortSignal) =>
      fetch(`http://127.0.0.1:${port}/v1/domains/${BOT}/sample?seconds=${seconds}`, {
        ...{ headers: { authorization: `Bearer ${TOKEN}`, connection: 'close' } },
        ...(signal && { signal }),
      })
    // As many as may be taken of a domain at a time, and some.
    for (let n = 1; n <= 6; n++) {
      const gone = new AbortController()
      const asking = sample(600, gone.signal)
      await log.waitFor('admin-action', { action: 'sample' }, n)
      gone.abort()
      await assert.rejects(asking, { name: 'AbortError' })
    }
    // Word of the last ones may still be on its way there; untold, it would refuse for ten minutes.
    await until('both are sampled', async () => {
      const { nodes, silent } = (await (await sample(1)).json()) as { nodes: string[]; silent: string[] }
      return nodes.sort().join() === 'a,b' && silent.length === 0
    })
  })
})
