import { connect } from 'node:net'
import { ComponentStream } from '../chaos/component.ts'
import { SECRET } from '../chaos/wire.ts'
import { GUEST } from './node.ts'

const HEADER = `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${GUEST}'>`
const nested = '<a>'.repeat(4000)

/** What a stranger sends from the first byte of a connection. The last says nothing: its time runs out. */
const fromStrangers: readonly (string | Buffer)[] = [
  'GET / HTTP/1.1\r\nhost: here\r\n\r\n',
  Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
  '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">]><a>&a;</a>',
  ' '.repeat(20_000),
  `${HEADER}<handshake>0000000000000000000000000000000000000000</handshake>`,
  `${HEADER}<message from='a@${GUEST}' to='b@${GUEST}'/>`,
  HEADER.replace(GUEST, 'nobody.localhost'),
  HEADER.replace("to='", "to='a' to='"),
  `${HEADER}<handshake>${'0'.repeat(20_000)}`,
  '',
]

/** What one sends that has a secret, and serves a domain of its own. */
const fromInstances: readonly (string | Buffer)[] = [
  '<message>&bomb;</message>',
  '<!-- a comment -->',
  '<?target data?>',
  `<message from='a@${GUEST}' to='b@${GUEST}'><body>\u0001</body></message>`,
  `<message from='a@${GUEST}' to='b@${GUEST}'></iq>`,
  `<message from='a@${GUEST}' to='b@${GUEST}' to='c@${GUEST}'/>`,
  `<message from='a@${GUEST}' to='b@${GUEST}'><x:y/></message>`,
  Buffer.concat([Buffer.from('<message>'), Buffer.from([0xc0, 0xaf, 0xff, 0xfe])]),
  `<message from='a@${GUEST}' to='b@${GUEST}'>${nested}`,
  `<message from='a@${GUEST}' to='b@${GUEST}'><body>${'x'.repeat(600 * 1024)}`,
  "<message from='a@buckets.localhost' to='b@ring.localhost'/>",
  HEADER,
  '<frobnicate/>',
  'no element at all',
]

/** How long a node may take to be rid of one: more than its time for a handshake, and for the other side to close. */
const GONE_WITHIN_MS = 15_000

/** All of them at once, each over a connection of its own; resolves with their number when the node is rid of all. */
export async function attack(port: number): Promise<number> {
  const all = [
    ...fromStrangers.map((bytes) => strangerEnds(port, bytes)),
    ...fromInstances.map((bytes) => instanceEnds(port, bytes)),
  ]
  const timeout = AbortSignal.timeout(GONE_WITHIN_MS)
  const late = new Promise<never>((_, reject) => {
    timeout.addEventListener('abort', () => reject(new Error('a hostile connection stayed open')), { once: true })
  })
  await Promise.race([Promise.all(all), late])
  return all.length
}

function strangerEnds(port: number, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('error', () => {})
    socket.resume()
    socket.on('close', () => resolve())
  })
}

function instanceEnds(port: number, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    const stream: ComponentStream = new ComponentStream(
      { port, domain: GUEST, secret: SECRET },
      { ready: () => stream.write(bytes), stanza: () => {}, ended: resolve },
    )
  })
}
