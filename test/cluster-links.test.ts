import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Draft } from '../src/cluster/draft.ts'
import { releaseLink } from '../src/cluster/instance-wishes.ts'
import { bury, leaveNode } from '../src/cluster/node-wishes.ts'
import type { Wish } from '../src/cluster/proposals.ts'
import { Table } from '../src/cluster/table.ts'
import { ClusterLinks } from '../src/cluster-links.ts'
import { createLog } from '../src/log.ts'
import type { RemoteStream } from '../src/remote-stream.ts'
import { announced } from './stub/cluster-yard.ts'
import { LogBook } from './stub/log-book.ts'

/** Two nodes, each with its own view of who has the link; what is proposed comes into force with `grant`. */
function nodes() {
  let table = Table.empty
  let proposals: { readonly wish: Wish; readonly done: () => void }[] = []
  const agree = (wish: Wish): void => {
    const draft = new Draft(table)
    wish(draft)
    table = table.with(draft.delta, table.epoch + 1)
  }
  agree(announced('A'))
  agree(announced('B'))
  const state = { now: 0, isHeld: true, isForfeit: false, isInheriting: false }
  const log = new LogBook()
  const make = (me: string) =>
    new ClusterLinks({
      me,
      log: createLog({ level: 'info', node: me }, log),
      serverOf: (domain) => `xmpp://server.${domain}`,
      table: () => table,
      isHeld: () => state.isHeld,
      isForfeit: () => state.isForfeit,
      propose: (wish) => new Promise((done) => proposals.push({ wish, done })),
      streamTo: (domain, node) => {
        const stream = {
          name: `${domain} by ${node}`,
          isOpen: true,
          die: () => void Object.assign(stream, { isOpen: false }),
        }
        return stream as unknown as RemoteStream
      },
      isInheriting: () => state.isInheriting,
      now: () => state.now,
    })
  const grant = async (): Promise<number> => {
    const granted = proposals
    proposals = []
    for (const { wish, done } of granted) {
      agree(wish)
      done()
    }
    await new Promise(setImmediate)
    return granted.length
  }
  return { a: make('A'), b: make('B'), agree, grant, state, log }
}

test('of two nodes that want the one link one gets it, and the other a way there, always the same', async () => {
  const { a, b, grant } = nodes()
  assert.deepEqual([a.want('a.test'), b.want('a.test'), a.want('a.test')], [undefined, undefined, undefined])
  assert.equal(a.isClaiming('a.test'), true)
  assert.equal(await grant(), 2, 'each has asked once')
  assert.equal(a.isClaiming('a.test'), false)
  assert.equal(a.want('a.test'), 'here')
  const way = b.want('a.test')
  assert.ok(way !== undefined && way !== 'here')
  assert.equal(b.want('a.test'), way)
  assert.equal(b.way('a.test', 'A'), way)
  assert.deepEqual([a.held(), b.held()], [['a.test'], []])
})

test('the link of a dead node is its heir’s, and the way there is at its end', async () => {
  const { a, b, agree, grant } = nodes()
  a.want('a.test')
  await grant()
  const way = b.want('a.test') as RemoteStream
  agree((draft) => bury(draft, ['A'], 'B'))
  b.forget('A')
  assert.deepEqual([way.isOpen, b.ways, b.want('a.test')], [false, [], 'here'])
  assert.equal(await grant(), 0)
})

test('a node that may have been given up has no link, and claims none', async () => {
  const { a, grant, state } = nodes()
  state.isHeld = false
  assert.equal(a.want('a.test'), undefined)
  assert.equal(await grant(), 0)
  state.isHeld = true
  a.want('a.test')
  await grant()
  state.isHeld = false
  assert.equal(a.want('a.test'), undefined)
})

test('what links bring is over once others may have them, and for good in a life that is given up', async () => {
  const { a, state } = nodes()
  const { tenure } = a
  assert.deepEqual([tenure.isOver, tenure.isLost], [false, false])
  state.isForfeit = true
  assert.deepEqual([tenure.isOver, tenure.isLost], [true, false])
  state.isForfeit = false
  assert.equal(tenure.isOver, false, 'nobody has taken them')
  tenure.lose()
  assert.deepEqual([tenure.isOver, tenure.isLost], [true, true])
})

test('who cannot open a link leaves it to others for five seconds, and then may try again', async () => {
  const { a, b, agree, grant, state } = nodes()
  a.want('a.test')
  await grant()
  a.yield('a.test')
  await grant()
  assert.equal(a.want('a.test'), undefined)
  assert.equal(await grant(), 0)
  b.want('a.test')
  await grant()
  assert.equal(b.want('a.test'), 'here')
  agree((draft) => releaseLink(draft, 'a.test', 'B'))
  agree((draft) => leaveNode(draft, 'B', { estate: false }))
  state.now = 4999
  assert.equal(a.want('a.test'), undefined)
  assert.equal(await grant(), 0)
  state.now = 5000
  a.want('a.test')
  await grant()
  assert.equal(a.want('a.test'), 'here')
  a.yield('a.test')
  assert.equal(await grant(), 0, 'there is nobody else')
})

test('who leaves claims no link any more, and keeps none', async () => {
  const { a, b, grant } = nodes()
  a.want('a.test')
  await grant()
  a.want('b.test')
  assert.equal(a.isClaiming('b.test'), true)
  a.end()
  assert.equal(a.want('a.test'), undefined)
  assert.equal(a.isClaiming('b.test'), false, 'what it has is not kept for it')
  a.release('a.test')
  await grant()
  assert.equal(a.want('a.test'), undefined)
  assert.equal(await grant(), 0)
  b.want('a.test')
  await grant()
  assert.deepEqual([b.want('a.test'), b.held()], ['here', ['a.test']])
})

test('who gets a link says so, with its domain and server; who was too late, or has it already, does not', async () => {
  const { a, b, agree, grant, log } = nodes()
  const claims = () => log.all('link-claimed').map(({ node, domain, server }) => [node, domain, server])
  a.want('a.test')
  b.want('a.test')
  assert.deepEqual(claims(), [])
  await grant()
  a.want('a.test')
  b.want('a.test')
  assert.deepEqual(claims(), [['A', 'a.test', 'xmpp://server.a.test']])
  agree((draft) => bury(draft, ['A'], 'B'))
  b.want('a.test')
  await grant()
  assert.deepEqual(claims().slice(1), [['B', 'a.test', 'xmpp://server.a.test']])
})

test('the link of a dead node is its heir’s, and waits until what the dead had read has been handed out, or for 1.5 s', async () => {
  const { a, b, agree, grant, state } = nodes()
  a.want('a.test')
  await grant()
  assert.equal(a.want('a.test'), 'here')
  state.isInheriting = true
  assert.equal(a.want('a.test'), 'here', 'a link that is open stays so')
  agree((draft) => bury(draft, ['A'], 'B'))
  assert.deepEqual([b.want('a.test'), b.held()], [undefined, ['a.test']])
  state.isInheriting = false
  assert.equal(b.want('a.test'), 'here')
  agree(announced('A'))
  assert.notEqual(a.want('a.test'), 'here')
  agree((draft) => bury(draft, ['B'], 'A'))
  state.isInheriting = true
  state.now = 100
  assert.equal(a.want('a.test'), undefined)
  state.now = 1599
  assert.equal(a.want('a.test'), undefined)
  state.now = 1600
  assert.equal(a.want('a.test'), 'here')
})
