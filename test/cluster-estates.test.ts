import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Draft } from '../src/cluster/draft.ts'
import type { Run } from '../src/cluster/entry.ts'
import { EntryWriter } from '../src/cluster/entry-codec.ts'
import { MemoryServer } from '../src/cluster/memory-server.ts'
import { type Fate, MemoryStore } from '../src/cluster/memory-store.ts'
import { announceNode, bury, leaveNode, noteEstateRead } from '../src/cluster/node-wishes.ts'
import type { Wish } from '../src/cluster/proposals.ts'
import { Table } from '../src/cluster/table.ts'
import { ClusterEstates } from '../src/cluster-estates.ts'
import { createLog } from '../src/log.ts'
import type { Ticket } from '../src/stream/queue.ts'
import { VirtualTime } from './cluster/virtual-time.ts'
import { announced } from './stub/cluster-yard.ts'
import { LogBook } from './stub/log-book.ts'

/** Nodes `A` (this one), `B` and `C`, with what is in their inboxes; what is proposed comes into force with `grant`. */
function bench() {
  const time = new VirtualTime()
  const server = new MemoryServer(time)
  const store = new MemoryStore(server)
  const book = new LogBook()
  let table = Table.empty
  let proposals: Wish[] = []
  const agree = (wish: Wish): void => {
    const draft = new Draft(table)
    wish(draft)
    table = table.with(draft.delta, table.epoch + 1)
  }
  for (const node of ['A', 'B', 'C']) {
    agree(announced(node))
    server.openInbox(node)
  }
  const inherited: string[] = []
  const unreadable: string[] = []
  const tickets: Ticket[] = []
  const state = { isKeeping: false }
  const make = () =>
    new ClusterEstates({
      ...{ me: 'A', store, timing: time, handedOut() {}, log: createLog({ level: 'debug', node: 'A' }, book) },
      membership: () => ({
        table,
        propose: (wish) => {
          proposals.push(wish)
          return Promise.resolve()
        },
      }),
      runs: {
        inherited: ({ bytes }: Run, ticket: Ticket) => {
          inherited.push(bytes.toString())
          if (!state.isKeeping) return
          ticket.retain()
          tickets.push(ticket)
        },
        unreadable: (sender, _id, reason) => void unreadable.push(`${sender}: ${reason}`),
      },
    })
  const estates = make()
  return {
    ...{ time, server, store, book, inherited, unreadable, tickets, state, estates, make, agree },
    /** Declared dead by `heir`. */
    bury: (node: string, heir = 'A') => agree((draft) => bury(draft, [node], heir)),
    follow: () => estates.follow(table),
    grant: () => {
      for (const wish of proposals.splice(0)) agree(wish)
      proposals = []
    },
    table: () => table,
    estatesLeft: () => [...table.estates.keys()],
    /** An entry from `sender` in the inbox of `of`. */
    put: (of: string, sender: string, number: number, text: string, since = 1) => {
      const writer = new EntryWriter(sender)
      writer.run({ domain: 'a.test', instance: 'red' }, since, 0, 0, 1, Buffer.from(text))
      server.append(of, [writer.seal({ number, taken: 0, isNote: false, isAsking: false, isMissing: false })])
    },
  }
}

test('what a dead node had kept and been sent goes on, once, and the estate is closed when all of it has ended', async () => {
  const { put, bury, follow, grant, estatesLeft, time, server, inherited, tickets, state, book } = bench()
  put('B', 'B', 1, 'kept')
  put('B', 'C', 1, 'sent')
  state.isKeeping = true
  bury('B')
  bury('C')
  follow()
  follow()
  await time.pass(10_000)
  assert.deepEqual(inherited, ['kept', 'sent'])
  assert.deepEqual([server.mails('B').length, book.all('estate-settled', { name: 'B' }).length], [2, 0])
  for (const ticket of tickets) ticket.release()
  await time.pass(3000)
  assert.equal(server.inboxes.has('B'), false)
  assert.deepEqual(
    [book.all('estate-claimed').map(({ name }) => name), book.all('estate-settled', { name: 'B' }).length],
    [['B', 'C'], 1],
  )
  grant()
  assert.deepEqual(estatesLeft(), [])
})

test('only the heir reads an inbox', async () => {
  const { put, bury, follow, agree, time, inherited, book } = bench()
  put('B', 'B', 1, 'kept')
  bury('B', 'C')
  follow()
  // It left in order, and nobody has taken what it left.
  put('C', 'C', 1, 'left')
  agree((draft) => leaveNode(draft, 'C', { estate: true }))
  follow()
  await time.pass(5000)
  assert.deepEqual([inherited, book.all('estate-claimed')], [[], []])
})

test('an estate that is settled is not read once more while the others have not heard of it', async () => {
  const { put, bury, follow, grant, agree, time, book } = bench()
  put('B', 'B', 1, 'kept')
  bury('B')
  follow()
  await time.pass(3000)
  assert.equal(book.all('estate-settled').length, 1)
  // Something else changes before that is granted.
  agree(announced('D'))
  follow()
  await time.pass(3000)
  assert.deepEqual([book.all('estate-claimed').length, book.all('estate-settled').length], [1, 1])
  grant()
  follow()
  assert.equal(book.all('estate-claimed').length, 1)
})

test('what a live node has sent to the dead is its own to send elsewhere, until it dies, too', async () => {
  const { put, bury, follow, estates, time, inherited } = bench()
  put('B', 'C', 1, 'sent')
  bury('B')
  follow()
  await time.pass(3000)
  assert.deepEqual(inherited, [])
  bury('C')
  follow()
  estates.look()
  await time.pass(100)
  assert.deepEqual(inherited, ['sent'])
})

test('while this node may not act it hands out nothing, of no estate, and then all of it', async () => {
  const { put, bury, follow, estates, time, inherited } = bench()
  put('B', 'B', 1, 'first')
  put('C', 'C', 1, 'second')
  bury('B')
  follow()
  estates.pause()
  // It has buried this one before, and hears only now that this was granted.
  bury('C')
  follow()
  await time.pass(5000)
  assert.deepEqual(inherited, [])
  estates.resume()
  await time.pass(3000)
  assert.deepEqual([...inherited].sort(), ['first', 'second'])
})

test('what this node has not dealt with when its life ends is for the next heir, and here it is void', async () => {
  const { put, bury, follow, estates, make, time, server, inherited, tickets, state, agree } = bench()
  put('B', 'B', 1, 'kept')
  bury('B')
  state.isKeeping = true
  follow()
  await time.pass(2000)
  const [ticket] = tickets
  assert.deepEqual([ticket?.isStored, ticket?.isVoid], [true, false])
  estates.close(true)
  assert.equal(ticket?.isVoid, true)
  ticket?.release()
  await time.pass(2000)
  assert.equal(server.mails('B').length, 1, 'it is not removed any more')
  const next = make()
  state.isKeeping = false
  agree(() => {})
  next.follow({ nodes: new Map(), estates: new Map([['B', { name: 'B', heir: 'A' }]]) } as unknown as Table)
  await time.pass(3000)
  assert.deepEqual(inherited, ['kept', 'kept'])
  assert.equal(server.inboxes.has('B'), false)
})

test('an inbox that is not there is said to be missing, and its estate is closed', async () => {
  const { bury, follow, grant, estatesLeft, time, server, book } = bench()
  server.closeInbox('B')
  bury('B')
  follow()
  await time.pass(3000)
  assert.deepEqual(
    book.all('estate-missing').map(({ name, incarnation }) => [name, incarnation]),
    [['B', 'B']],
  )
  assert.deepEqual(book.all('estate-settled'), [])
  grant()
  assert.deepEqual(estatesLeft(), [])
})

test('an inbox that was closed without a word of it is not taken for one that is missing', async () => {
  const { bury, follow, time, store, book } = bench()
  store.fate = (call) => (call === 'closeInbox' && book.all('estate-settled').length === 0 ? fates.shift()! : 'done')
  const fates: Fate[] = ['unheard', 'done']
  bury('B')
  follow()
  await time.pass(20_000)
  assert.deepEqual([book.all('estate-missing').length, book.all('estate-settled').length], [0, 1])
})

test('what cannot be read is told, and the rest goes on', async () => {
  const { put, bury, follow, time, server, inherited, unreadable } = bench()
  server.append('B', [Buffer.from('nonsense')])
  put('B', 'B', 1, 'kept')
  bury('B')
  follow()
  await time.pass(3000)
  assert.deepEqual(inherited, ['kept'])
  assert.match(unreadable.join('\n'), /^undefined: the entry/)
  assert.equal(server.inboxes.has('B'), false)
})

test('what two nodes that died together have left of one conversation goes on in the order in which it was read', async () => {
  const { put, bury, follow, time, inherited, estates } = bench()
  // B had read all of it, and passed some of it on to C.
  put('C', 'B', 1, '2', 20)
  put('C', 'B', 2, '4', 40)
  for (const number of [1, 2, 3, 4, 5]) put('B', 'B', number, `${number}`, number * 10)
  bury('C')
  bury('B')
  follow()
  assert.equal(estates.isReading, true)
  await time.pass(100)
  assert.deepEqual(inherited, ['1', '2', '2', '3', '4', '4', '5'])
  assert.equal(estates.isReading, false)
})

test('what a dead node had sent to one that died before it waits for what it had kept', async () => {
  const { put, bury, follow, time, inherited, estates } = bench()
  put('C', 'B', 1, '2', 20)
  bury('C')
  follow()
  await time.pass(100)
  assert.deepEqual([inherited, estates.isReading], [[], false])
  put('B', 'B', 1, '1', 10)
  put('B', 'B', 2, '2', 20)
  bury('B')
  estates.look()
  follow()
  assert.equal(estates.isReading, true)
  await time.pass(100)
  assert.deepEqual(inherited, ['1', '2', '2'])
})

test('a node that may not act hands out nothing of what it has read, and one whose life is over never does', async () => {
  const { put, bury, follow, time, inherited, estates } = bench()
  put('B', 'B', 1, '1')
  bury('B')
  estates.pause()
  follow()
  await time.pass(1000)
  assert.deepEqual(inherited, [])
  estates.resume()
  await time.pass(1000)
  assert.deepEqual(inherited, ['1'])
  put('C', 'C', 1, '2')
  bury('C')
  follow()
  estates.close()
  await time.pass(1000)
  assert.deepEqual(inherited, ['1'])
})

test('what a node reads waits until the heir of its former life has handed out what that had read', async () => {
  const { time, agree, bury, put, follow, grant, estates, table } = bench()
  // `A` is a new life of a node of that name.
  agree((draft) => announceNode(draft, 'A0', { name: 'A', version: '1', form: 1, since: 0, configs: {} }))
  bury('A0', 'B')
  follow()
  assert.deepEqual([estates.isReading, estates.isAwaited], [false, true])
  agree((draft) => noteEstateRead(draft, 'A0', 'C'))
  follow()
  assert.equal(estates.isAwaited, true, 'only its heir can say so')
  agree((draft) => noteEstateRead(draft, 'A0', 'B'))
  follow()
  assert.equal(estates.isAwaited, false)
  // As the heir of another it says so itself.
  put('C', 'C', 1, '1')
  bury('C')
  follow()
  assert.equal(estates.isAwaited, true)
  await time.pass(100)
  grant()
  assert.deepEqual([estates.isAwaited, table().estates.get('C')?.isRead], [false, true])
})

test('nothing waits for more than half a minute in which nothing has come', async () => {
  const { time, agree, bury, follow, estates } = bench()
  agree((draft) => announceNode(draft, 'A0', { name: 'A', version: '1', form: 1, since: 0, configs: {} }))
  bury('A0', 'B')
  follow()
  await time.pass(29_999)
  follow()
  assert.equal(estates.isAwaited, true)
  await time.pass(1)
  assert.equal(estates.isAwaited, false)
})
