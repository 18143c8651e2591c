import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Instance, InstanceState } from '../src/instance.ts'
import { randomOf } from '../src/snapshot.ts'

function instance(name: string, state: InstanceState = 'active', node?: string): Instance {
  return { name, state, node } as unknown as Instance
}
const namesOf = (instances: readonly Instance[]) => instances.map(({ name }) => name)

test('a random stanza meets instances of this node first, and others only where there is none here', () => {
  const [here, there] = [instance('here'), instance('there', 'active', 'B')]
  assert.deepEqual(namesOf(randomOf([here, there, undefined], true)), ['here'])
  assert.deepEqual(namesOf(randomOf([here, there], false)), ['here', 'there'])
  assert.deepEqual(namesOf(randomOf([there], true)), ['there'])
  assert.deepEqual(namesOf(randomOf([instance('gone', 'draining'), there], true)), ['there'])
})

test('one that reads nothing is met where there is no other here, before any of another node', () => {
  const [slow, there] = [instance('slow', 'stalled'), instance('there', 'active', 'B')]
  assert.deepEqual(namesOf(randomOf([slow, instance('mute', 'suspect'), instance('fine')], true)), ['fine'])
  assert.deepEqual(namesOf(randomOf([slow, there], true)), ['slow'])
  assert.deepEqual(namesOf(randomOf([slow, there], false)), ['there'])
  assert.deepEqual(randomOf([instance('gone', 'draining')], true), [])
})
