import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulate } from './post-simulation.ts'

/** Of each kind; a failure names its seed. */
const SEEDS = 12
const usual = { milliseconds: 15_000, kept: 0.3, forgets: false, crashes: 0, nodes: 3 }

test('whatever the store loses or does late, each stanza is handed out once, in order, and nothing is left', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { sent, ...outcome } = await simulate({ ...usual, seed })
    assert.ok(sent > 2000)
    assert.deepEqual({ seed, ...outcome }, { seed, again: 0, behind: 0, lost: [], left: [] })
  }
})

test('the same when it forgets, all of it or a part', async () => {
  for (let seed = 101; seed <= 100 + SEEDS; seed++) {
    const { sent, ...outcome } = await simulate({ ...usual, seed, forgets: true })
    assert.ok(sent > 2000)
    assert.deepEqual({ seed, ...outcome }, { seed, again: 0, behind: 0, lost: [], left: [] })
  }
})

test('when two of four nodes crash, nothing that was kept is lost, and what comes for the first time comes in order', async () => {
  for (let seed = 201; seed <= 200 + SEEDS; seed++) {
    const { sent, again, ...outcome } = await simulate({ ...usual, seed, nodes: 4, crashes: 2, kept: 1 })
    assert.ok(sent > 2000)
    assert.ok(again < sent / 4, `${again} of ${sent} were handed out again with seed ${seed}`)
    assert.deepEqual({ seed, ...outcome }, { seed, behind: 0, lost: [], left: [] })
  }
})
