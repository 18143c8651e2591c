import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usualTiming } from '../../src/cluster/lease.ts'
import { Simulation, type SimulationOptions, type SimulationResult } from './simulation.ts'

/** Rerun one with `SEED=n npm test -- test/cluster/simulation.test.ts`: it then says what happened. */
const rerun = process.env.SEED
const seeds = rerun === undefined ? Array.from({ length: 200 }, (_, index) => index + 1) : [Number(rerun)]

test('whatever is killed, paused, cut off or forgotten, nothing has two who act for it, and in the end all is in order', async () => {
  const done = new Set<string>()
  for (const seed of seeds) {
    const result = await new Simulation(seed, { trace: rerun !== undefined }).run()
    if (rerun !== undefined) console.log(result.trace.join('\n'))
    assert.deepEqual(result.problems, [], `seed ${seed}`)
    for (const action of Object.keys(result.done)) done.add(action)
  }
  if (rerun === undefined) assert.equal(done.size, 14, `all kinds of trouble have come about: ${[...done]}`)
})

test('the same seed gives the same run', async () => {
  const [one, other] = [await traced(3), await traced(3)]
  assert.ok(one.length > 50)
  assert.deepEqual(one, other)
})

async function traced(seed: number): Promise<readonly string[]> {
  return (await new Simulation(seed, { trace: true }).run()).trace
}

const mutants: Readonly<Record<string, SimulationOptions>> = {
  'a node that acts after its lease has run out': { isNeverFenced: true },
  'a node that acts until the very end of its lease, and beyond': { timing: { ...usualTiming, margin: -1000 } },
  'a store that lets the living be buried': { buriesTheLiving: true },
  'a store that takes changes of a table that is another by now': { ignoresEpoch: true },
  'a node that lets the table differ from what it has': { neverReconciles: true },
}
for (const [mutant, options] of Object.entries(mutants)) {
  test(`the simulation finds out ${mutant}`, async () => {
    assert.notEqual(await firstProblem(options), undefined)
  })
}

async function firstProblem(options: SimulationOptions): Promise<SimulationResult | undefined> {
  const isAnyOf = options.ignoresEpoch === true || options.neverReconciles === true
  for (let seed = 1; seed <= 400; seed++) {
    const result = await new Simulation(seed, options).run()
    if (result.problems.some((problem) => problem.includes('both act') || isAnyOf)) return result
  }
  return undefined
}
