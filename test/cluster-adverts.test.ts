import assert from 'node:assert/strict'
import { test } from 'node:test'
import { replayAdverts } from '../src/advertising.ts'
import { ClusterAdverts } from '../src/cluster-adverts.ts'
import { LocalRegistry } from '../src/registry.ts'
import { InnerNode } from './stub/inner-node.ts'

const text = 'domains: {a.b.test: {secret: s}, other.b.test: {secret: s}}'
const advert = (access: string, from = 'b.test'): string =>
  `<message from='${from}' to='a.b.test'><privilege xmlns='urn:xmpp:privilege:2'><perm access='${access}' type='both'/></privilege></message>`
const delegation =
  "<message from='b.test' to='a.b.test'><delegation xmlns='urn:xmpp:delegation:2'><delegated namespace='urn:x'/></delegation></message>"

interface Peer {
  readonly node: InnerNode
  readonly adverts: ClusterAdverts
  readonly unreadable: string[]
  /** What its instance has been told, and what one that joins now is told. */
  readonly told: () => Promise<readonly string[]>
  readonly replayed: () => readonly string[]
}

/** Nodes that hear each other, unless they are gone. */
function cluster(...names: readonly string[]): Readonly<Record<string, Peer>> & { readonly gone: Set<string> } {
  const peers: Record<string, Peer> = {}
  const gone = new Set<string>()
  for (const name of names) {
    const unreadable: string[] = []
    const node: InnerNode = new InnerNode(text, {
      clock: { now: 0 },
      registry: () => registry,
      keeper: () => undefined,
      advertised: (domain) => adverts.tell(domain),
    })
    const { routes, router, shares, log } = node
    const registry = new LocalRegistry({ shares, router, log, seated: () => {} })
    const adverts = new ClusterAdverts({
      ...{ routes, router },
      others: () => names.filter((other) => other !== name && !gone.has(other)),
      send: (to, text) => peers[to]!.adverts.heard(text),
      unreadable: (reason) => void unreadable.push(reason),
    })
    node.join('red')
    const told = async () => {
      await node.turn()
      return node.stream('red').text.match(/<message.*?<\/message>/g) ?? []
    }
    const replayed = () => {
      const all: string[] = []
      const teller = { tell: (_to: unknown, bytes: Buffer) => void all.push(bytes.toString()) }
      replayAdverts(teller, node.domain, node.domain.members.get('red')!)
      return all
    }
    peers[name] = { node, adverts, unreadable, told, replayed }
  }
  return Object.assign(peers, { gone }) as ReturnType<typeof cluster>
}

/** The link of a node is lost. */
function lose({ node, adverts }: Peer): void {
  node.domain.adverts.forget()
  adverts.tell(node.domain)
}

test("what one node's server says is told to the instances of all nodes, once, and to those that join later", async () => {
  const { a, b } = cluster('a', 'b')
  a!.node.fromServer(advert('roster'))
  a!.node.fromServer(delegation)
  for (const peer of [a!, b!]) {
    assert.deepEqual(await peer.told(), [advert('roster'), delegation])
    assert.deepEqual(peer.replayed(), [advert('roster'), delegation])
  }
  a!.node.fromServer(advert('message'))
  assert.deepEqual((await b!.told()).slice(2), [advert('message')])
  assert.deepEqual(b!.replayed(), [delegation, advert('message')])
})

test('a node that comes is told what holds, and nobody else is told again', async () => {
  const { a, b, c, gone } = cluster('a', 'b', 'c')
  gone.add('c')
  a!.node.fromServer(advert('roster'))
  gone.delete('c')
  assert.deepEqual(await c!.told(), [])
  a!.adverts.greet('c')
  // It knows that from the other one, too.
  b!.adverts.greet('c')
  assert.deepEqual([await c!.told(), await b!.told()], [[advert('roster')], [advert('roster')]])
})

test('a domain of which nothing was said is not spoken of', () => {
  const { a, b } = cluster('a', 'b')
  const heard: string[] = []
  b!.adverts.heard = (text) => void heard.push(text)
  a!.adverts.greet('b')
  assert.deepEqual(heard, [])
})

test('what held on a link that is lost holds nowhere any more', () => {
  const { a, b } = cluster('a', 'b')
  a!.node.fromServer(advert('roster'))
  lose(a!)
  assert.deepEqual([a!.replayed(), b!.replayed()], [[], []])
})

test("a dead node's word is replaced by what the server says to the node that takes its link over", async () => {
  const { a, b, c, gone } = cluster('a', 'b', 'c')
  a!.node.fromServer(advert('roster'))
  a!.node.fromServer(delegation)
  gone.add('a')
  b!.node.fromServer(advert('message'))
  for (const peer of [b!, c!]) {
    assert.deepEqual(peer.replayed(), [advert('message')])
    assert.deepEqual(await peer.told(), [advert('roster'), delegation, advert('message')])
  }
})

test('so is the word of a server that is not above the domain', () => {
  const { a, b, gone } = cluster('a', 'b')
  a!.node.fromServer(advert('roster', 'c.test'))
  gone.add('a')
  b!.node.fromServer(advert('message', 'c.test'))
  assert.deepEqual(b!.replayed(), [advert('message', 'c.test')])
})

test('with a link of each node, one that loses its own takes nothing from the others', () => {
  const { a, b } = cluster('a', 'b')
  a!.node.fromServer(advert('roster'))
  b!.node.fromServer(advert('roster'))
  lose(a!)
  assert.deepEqual(b!.replayed(), [advert('roster')])
  b!.adverts.greet('a')
  assert.deepEqual(a!.replayed(), [advert('roster')], 'its instances have a server by way of the other')
  lose(b!)
  assert.deepEqual(b!.replayed(), [])
})

test('who is believed is what the own server says: another node’s word changes nothing of that', () => {
  const { a, b } = cluster('a', 'b')
  a!.node.fromServer(advert('roster', 'c.test'))
  b!.node.fromServer(advert('message'))
  assert.deepEqual([b!.replayed(), a!.replayed()], [[advert('message')], [advert('roster', 'c.test')]])
})

test('what cannot be read is told and changes nothing, and of a domain that is not served here nothing is remembered', () => {
  const { a } = cluster('a', 'b')
  a!.node.fromServer(advert('roster'))
  const heard = ['{', 'null', '[]', '{"domain":"a.b.test"}', '{"domain":"a.b.test","adverts":[5]}', '7']
  for (const text of heard) a!.adverts.heard(text)
  a!.adverts.heard(JSON.stringify({ domain: 'x.test', adverts: [delegation] }))
  assert.deepEqual(a!.replayed(), [advert('roster')])
  assert.equal(a!.unreadable.length, 4)
})
