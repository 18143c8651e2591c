import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from './stub/eventually.ts'
import { startGateway } from './stub/gateway.ts'
import { RawInstance } from './stub/raw-instance.ts'

const yaml = (unassigned: string) => `
listen: [{port: 0}]
domains:
  bot.localhost: {instances: {red: {secret: red}}, when_unassigned: ${unassigned}, hold: {seconds: 4}}
domain_balancing: {bot.localhost: {type: bare_source, component_number: 2}}
drain: {seconds: 0}
`

const fates = {
  hold: ['hold', null, 'hold: it is held up to 4 s, then bounced'],
  bounce: ['bounce', null, 'bounce: it is bounced at once'],
  spill: ['deliver', 'red', 'spill: it goes to red'],
} as const

for (const [unassigned, [outcome, instance, fate]] of Object.entries(fates)) {
  test(`explain says of a bucket without a holder what ${unassigned} does`, async () => {
    const { view, port, stop } = await startGateway(yaml(unassigned))
    const told = (user: number) => {
      const explained = view.explain('bot.localhost', `u${user}@users.localhost`, 'bot.localhost')
      return explained && 'because' in explained ? explained : undefined
    }
    try {
      const red = await RawInstance.connect({ port, domain: 'bot.localhost', secret: 'red' })
      await eventually(() => told(0)?.node !== null || told(1)?.node !== null || told(2)?.node !== null)
      let user = 0
      while (told(user)?.bucket !== 1) user++
      const { outcome: met, instance: by, because } = told(user) ?? assert.fail()
      assert.deepEqual([met, by, because.split('; ').slice(-2)[1]], [outcome, instance, fate])
      assert.match(because, /the bucket has no holder: when_unassigned decides/)
      await red.kill()
    } finally {
      await stop()
    }
  })
}
