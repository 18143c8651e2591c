import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeEntry } from '../src/cluster/entry-codec.ts'
import type { Post } from '../src/cluster/post.ts'
import { PostKeeper } from '../src/post-keeper.ts'
import type { Ticket } from '../src/stream/queue.ts'
import { Reframer } from '../src/stream/reframe.ts'
import { Lab, send } from './cluster/posted.ts'

const reframer = new Reframer({ stanza_bytes: 1e6, depth: 8, elements: 16, attributes: 8, namespaces: 4 })
/** What the node's clock must be added to for milliseconds since 1970. */
const EPOCH = 1000

interface Bench {
  readonly lab: Lab
  readonly post: Post
  readonly keeper: PostKeeper
  /** Keeps a stanza, and holds its ticket. */
  readonly keep: (text: string, isForServer?: boolean, since?: number, deaths?: number) => Ticket
  /** What is in the node's own inbox, run by run. */
  readonly stored: () => readonly string[]
  readonly state: { isUp: boolean }
}

async function bench(): Promise<Bench> {
  const lab = new Lab()
  const { post } = lab.node('a')
  const state = { isUp: true }
  const keeper = new PostKeeper({
    post,
    time: { epoch: EPOCH },
    limit: () => 1_000_000,
    full: () => {},
    isUp: () => state.isUp,
  })
  await lab.time.pass(10)
  const keep = (text: string, isForServer = false, since = 0, deaths = 0): Ticket => {
    const tickets: Ticket[] = []
    reframer.stanzas(Buffer.from(text), (head) => {
      const ticket = keeper.keep('a.test', isForServer, head, since, deaths)
      ticket.retain()
      tickets.push(ticket)
    })
    return tickets[0]!
  }
  const stored = () =>
    lab.store.mails('a').flatMap(({ bytes }) =>
      decodeEntry(bytes).items.map((item) => {
        assert.equal(item.kind, 'run')
        const { to, since, deaths, bytes } = item
        return `${to.instance ?? 'server'} of ${to.domain}, at ${since}, ${deaths} deaths: ${bytes}`
      }),
    )
  return { lab, post, keeper, keep, stored, state }
}

test('the heir finds whom it was for, when it came by the clock of all, and how many died of it', async () => {
  const { lab, keep, stored } = await bench()
  keep("<message id='1'/>", false, 5, 2)
  keep("<message id='2'/>", true, 6)
  await lab.time.pass(10)
  assert.deepEqual(stored(), [
    " of a.test, at 1005, 2 deaths: <message id='1'/>",
    "server of a.test, at 1006, 0 deaths: <message id='2'/>",
  ])
})

test('what has ended is in the store no more, and a request not before it is answered', async () => {
  const { lab, keep, stored } = await bench()
  const [message, request] = [keep("<message id='1'/>"), keep("<iq type='get' id='2'/>")]
  await lab.time.pass(50)
  assert.equal(stored().length, 2)
  message.release()
  request.asked?.()
  request.release()
  await lab.time.pass(50)
  assert.deepEqual(stored(), [" of a.test, at 1000, 0 deaths: <iq type='get' id='2'/>"])
  request.answered?.('key')
  await lab.time.pass(50)
  assert.deepEqual(stored(), [])
})

test('who waits for what was kept goes on when the store has it, one after the other', async () => {
  const { lab, keeper, keep, stored } = await bench()
  const seen: string[] = []
  keeper.whenKept(() => seen.push('at once'))
  assert.deepEqual(seen, ['at once'], 'there was nothing to wait for')
  keep("<message id='1'/>")
  keeper.whenKept(() => seen.push(`first, with ${stored().length}`))
  keep("<message id='2'/>")
  keeper.whenKept(() => seen.push(`second, with ${stored().length}`))
  assert.deepEqual(seen.slice(1), [])
  await lab.time.pass(50)
  assert.deepEqual(seen.slice(1), ['first, with 1', 'second, with 1'])
  keeper.whenKept(() => seen.push('at once'))
  assert.deepEqual(seen.slice(3), ['at once'])
})

test('nobody overtakes who waits already, though all is written by then', async () => {
  const { lab, keeper, keep } = await bench()
  const seen: string[] = []
  keep("<message id='1'/>")
  keeper.whenKept(() => {
    seen.push('first')
    keeper.whenKept(() => seen.push('third'))
  })
  keeper.whenKept(() => seen.push('second'))
  await lab.time.pass(50)
  assert.deepEqual(seen, ['first', 'second', 'third'])
})

test('while the store is away nobody goes on, and when it is back all do', async () => {
  const { lab, keeper, keep, stored } = await bench()
  const seen: number[] = []
  lab.store.isDown = true
  keep("<message id='1'/>")
  keeper.whenKept(() => seen.push(stored().length))
  await lab.time.pass(10_000)
  assert.deepEqual(seen, [])
  lab.store.isDown = false
  await lab.time.pass(3000)
  assert.deepEqual(seen, [1])
})

test('an answer waits for what goes to other nodes, too: it may say that this was read', async () => {
  const { lab, post, keeper } = await bench()
  const seen: string[] = []
  lab.node('b')
  await lab.time.pass(10)
  lab.store.isDown = true
  send(post, 'b', '<a/>')
  keeper.whenKept(() => seen.push('answer'))
  await lab.time.pass(5000)
  assert.deepEqual(seen, [])
  lab.store.isDown = false
  await lab.time.pass(3000)
  assert.deepEqual(seen, ['answer'])
})

test('what a domain holds is kept for it, and is known not to be while the store is away', async () => {
  const { lab, keeper, stored, state } = await bench()
  const hold = keeper.holdKeeper('b.test')
  reframer.stanzas(Buffer.from("<message id='1'/>"), (head) => hold.keep(head, 3, 1).retain())
  await lab.time.pass(10)
  assert.deepEqual(stored(), [" of b.test, at 1003, 1 deaths: <message id='1'/>"])
  assert.equal(hold.isUp, true)
  state.isUp = false
  assert.equal(hold.isUp, false)
})
