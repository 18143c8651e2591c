import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './stub/eventually.ts'
import { startGateway } from './stub/gateway.ts'
import { RawInstance } from './stub/raw-instance.ts'

const yaml = `
listen: [{port: 0}]
domains:
  bot.localhost: {instances: {red: {secret: red}, blue: {secret: blue}}}
  users.localhost: {secret: swordfish, upstream: {service: 'xmpp://127.0.0.1:1', secret: s}}
domain_balancing: {bot.localhost: {type: bare_source, component_number: 2}}
drain: {seconds: 0}
`

const freeKeys = () => Array.from({ length: 20 }, (_, at) => `v${at}@users.localhost`)

test('the overview tells of each domain how many buckets are dead, what waits, and who is slowest', async () => {
  const { view, port, stop } = await startGateway(yaml)
  const join = (domain: string, secret: string) => RawInstance.connect({ port, domain, secret })
  const bot = () => view.overview().domains.find(({ name }) => name === 'bot.localhost')!
  try {
    assert.deepEqual([bot().buckets, bot().bucketsUnassigned, bot().slowest, bot().link], [2, 2, null, null])
    const [red, blue] = [await join('bot.localhost', 'red'), await join('bot.localhost', 'blue')]
    const users = await join('users.localhost', 'swordfish')
    await eventually(() => bot().bucketsUnassigned === 0)
    assert.equal(bot().instances.active, 2)
    red.answersPings = false
    for (let at = 0; at < 20; at++) users.send(`<message from='u${at}@users.localhost' to='bot.localhost' id='${at}'/>`)
    await eventually(() => bot().received === 20)
    // One confirms what it was sent; of the other, that it owes is what it takes.
    await eventually(() => (bot().slowest?.others ?? null) !== null && bot().slowest?.instance === 'red')
    assert.ok(bot().held.stanzas > 0)
    assert.deepEqual([bot().type, bot().unassigned, bot().missing, bot().spares], ['bare_source', [], [], 0])
    await blue.kill()
    await eventually(() => bot().bucketsUnassigned === 1)
    const [free] = bot().unassigned
    assert.deepEqual([free?.bucket, free?.last, bot().missing], [1, 'blue', ['blue']])
    const before = free?.held.stanzas ?? 0
    const sent = bot().received
    for (let at = 0; at < 20; at++)
      users.send(`<message from='v${at}@users.localhost' to='bot.localhost' id='v${at}'/>`)
    await eventually(() => bot().received === sent + 20)
    // What red has not confirmed waits, too, and is not of that bucket.
    const { unassigned, hold, held } = bot()
    assert.equal(unassigned[0]?.held.stanzas, hold.stanzas)
    assert.ok(hold.stanzas > before && hold.stanzas < held.stanzas)
    const explained = freeKeys().map((user) => view.explain('bot.localhost', user, 'bot.localhost'))
    assert.ok(
      explained.some(
        (one) => one && 'because' in one && one.because.endsWith('hold: it is held up to 10 s, then bounced'),
      ),
    )
    const { link, instancesElsewhere } = view.overview().domains.find(({ name }) => name === 'users.localhost')!
    assert.notEqual(link, null)
    assert.equal(instancesElsewhere, 0)
    assert.equal(view.overview().cluster, null)
    await red.kill()
    await users.kill()
  } finally {
    await stop()
  }
})
