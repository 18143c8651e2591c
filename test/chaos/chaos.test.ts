import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runCampaign } from './campaign.ts'
import { faultsOf } from './report.ts'

/** A short campaign with the same faults each time. `npm run chaos` has the long ones. */
const campaign = { seconds: 8, seed: 4, rate: 300, every: 600 }

describe('nothing is lost, overtaken or left unanswered while instances die, hang and are drained, and the server restarts', () => {
  for (const server of ['prosody', 'ejabberd'] as const) {
    test(`behind ${server}`, { timeout: 120_000 }, async () => {
      const result = await runCampaign({ server, ...campaign })
      assert.deepEqual(faultsOf(result), [])
      const { verdict } = result
      assert.ok(verdict.reached > 0 && verdict.asked.answered > 0, 'there was traffic, both ways')
    })
  }
})
