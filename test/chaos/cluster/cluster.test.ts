import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runClusterCampaign } from './campaign.ts'
import { runJournalKills } from './journal-kills.ts'
import { clusterFaultsOf } from './report.ts'
import { runRolling } from './rolling.ts'

/** Short slices with the same faults each time. `npm run chaos` has the long ones. */
const campaign = { nodes: 3, delivery: 'journal', seconds: 25, seed: 5, rate: 250, every: 1200 } as const

describe('nothing that a node has proven to have read is lost', () => {
  for (const server of ['prosody', 'ejabberd'] as const) {
    test(`while nodes, Redis and instances die, behind ${server}`, { timeout: 180_000 }, async () => {
      const result = await runClusterCampaign({ server, ...campaign })
      assert.deepEqual(clusterFaultsOf(result), [])
      const { confirmed, asked } = result.verdict
      assert.ok(confirmed > 0 && asked.answered > 0, 'there was traffic, both ways')
    })
  }

  test('when the very node that read it is killed at that moment', { timeout: 180_000 }, async () => {
    const { verdict } = await runJournalKills({ nodes: 3, kills: 3, rate: 500, seed: 3, delivery: 'journal' })
    assert.deepEqual(verdict.lost.promised, [])
    assert.deepEqual(verdict.unanswered.promised, [])
    assert.ok(verdict.confirmed > 0, 'something was proven')
  })
})

test('a rolling restart loses, doubles and bounces nothing', { timeout: 180_000 }, async () => {
  const { lost, duplicated, unanswered, reordered, bounced, rude, stanzas } = await runRolling({
    ...{ nodes: 3, instances: 6, rate: 1000 },
  })
  assert.deepEqual(
    { lost, duplicated, unanswered, reordered, bounced, rude },
    { lost: 0, duplicated: 0, unanswered: 0, reordered: 0, bounced: {}, rude: 0 },
  )
  assert.ok(stanzas > 0)
})
