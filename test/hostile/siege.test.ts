import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startEjabberd } from '../peers/ejabberd.ts'
import { eventually } from '../stub/eventually.ts'
import { lay, type SiegeReport } from './campaign.ts'
import { bare, nested } from './catalogue/write.ts'
import { RawComponent } from './raw-component.ts'

const secret = 'swordfish'

function assertUnharmed({ plan, wrong, users, up, down, counted, told, isServerAlive }: SiegeReport): void {
  assert.deepEqual(wrong, [])
  assert.ok(users.sent > 0)
  assert.deepEqual({ ...users, sent: 0, p99: 0 }, { sent: 0, lost: 0, twice: 0, outOfOrder: 0, bounced: 0, p99: 0 })
  assert.deepEqual({ up, down, isServerAlive }, { up: 1, down: 0, isServerAlive: true })
  // Links come again and again: some are in the middle of it at the end.
  if (plan.attacker === 'server') assert.ok(counted >= told, `${counted}, ${told}`)
  else assert.equal(counted, told)
}

test('Prosody: a compromised instance sends the whole catalogue, and the link stays up and nobody else loses a stanza', {
  timeout: 120_000,
}, async () => {
  assertUnharmed(await lay({ server: 'Prosody', attacker: 'instance', seconds: 0, rounds: 1 }))
})

test('Prosody: the hostile server of other domains plays the whole catalogue, and nobody else loses a stanza', {
  timeout: 120_000,
}, async () => {
  assertUnharmed(await lay({ server: 'Prosody', attacker: 'server', seconds: 0, rounds: 1 }))
})

test('ejabberd behind Switchyard survives the whole catalogue', { timeout: 120_000 }, async () => {
  assertUnharmed(await lay({ server: 'ejabberd', attacker: 'instance', seconds: 0, rounds: 1 }))
})

test('ejabberd without Switchyard does not survive one stanza that is nested 4000 deep', {
  timeout: 60_000,
}, async (t) => {
  const server = await startEjabberd({ components: ['plays.test', 'other.test'].map((domain) => ({ domain, secret })) })
  t.after(() => server.stop())
  const attacker = await RawComponent.join(server.componentPort, 'plays.test', secret)
  const witness = await RawComponent.join(server.componentPort, 'other.test', secret)
  attacker.send(bare(nested(4000)))
  await eventually(() => witness.isClosed)
  await server.kill()
})
