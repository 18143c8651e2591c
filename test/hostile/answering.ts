import type { Case, Place } from './case.ts'
import { bare } from './catalogue/write.ts'
import { type Peer, type PeerKind, secret } from './peers.ts'
import { RawComponent } from './raw-component.ts'

/** Where a component can stand. */
export const sides = ['header', 'handshake', 'instance'] as const satisfies readonly Place[]
export type Side = (typeof sides)[number]

/** By place and name. */
export type Answers = ReadonlyMap<string, string>

const trailing = bare('', " id='trailing'")
/** As every server writes an attribute. */
const trail = /id=['"]trailing['"]/
/** Who has done nothing by then does nothing, in milliseconds. */
const PATIENCE = 700
/** What a server may take to read a large one, in milliseconds per megabyte. */
const PER_MEGABYTE = 4000

export const keyOf = (side: Place, { name }: Case): string => `${side}: ${name}`

/** What a server of this kind answers to each case that a component can send. */
export async function answersOf(kind: PeerKind, cases: readonly Case[]): Promise<Answers> {
  const answers = new Map<string, string>()
  const peer = await kind.start()
  let witness = await RawComponent.join(peer.port, 'other.test', secret)
  try {
    for (const side of sides) {
      for (const one of cases.filter(({ at }) => at.includes(side))) {
        answers.set(keyOf(side, one), await answerTo(peer, side, one, witness))
        if (!peer.isAlive()) await peer.revive()
        // A server that has died, or that has let through what ends somebody else's stream.
        if (witness.isClosed) witness = await RawComponent.join(peer.port, 'other.test', secret)
      }
    }
  } finally {
    await peer.stop()
  }
  return answers
}

async function answerTo(peer: Peer, side: Side, one: Case, witness: RawComponent): Promise<string> {
  const component = await connect(peer.port, side)
  component.received = ''
  witness.received = ''
  component.send(
    side === 'header' ? one.bytes : Buffer.concat([one.bytes, Buffer.from(one.answer === 'waits' ? '' : trailing)]),
  )
  const patience = PATIENCE + (PER_MEGABYTE * one.bytes.length) / 1024 ** 2
  const isOver = (): boolean =>
    component.isClosed || trail.test(witness.received) || component.received.includes('</stream:stream>')
  await component.until(isOver, patience)
  // What it has said may be on its way still, and the death of a server is seen a moment after that of its streams.
  await component.until(() => false, component.isClosed ? 20 : 5)
  if (component.isClosed && witness.isClosed) await new Promise((resolve) => setTimeout(resolve, 500))
  const answer = verdict(peer, component, witness)
  await component.leave()
  return answer
}

function connect(port: number, side: Side): Promise<RawComponent> {
  if (side === 'header') return RawComponent.connect(port)
  return side === 'handshake' ? RawComponent.open(port, 'plays.test') : RawComponent.join(port, 'plays.test', secret)
}

function verdict(peer: Peer, { received, isClosed }: RawComponent, witness: RawComponent): string {
  if (!peer.isAlive()) return '**dies**'
  if (witness.isClosed) return "ends another's stream"
  const condition = /<stream:error[^>]*>\s*<([a-z-]+)/.exec(received)?.[1]
  if (condition !== undefined) return condition
  const seen = witness.received.search(trail)
  if (seen >= 0) {
    const bounced = /<error[^>]*>(?:(?!<\/error>).)*?<([a-z-]+) xmlns=['"]urn:ietf:params:xml:ns:xmpp-stanzas/s.exec(
      received,
    )?.[1]
    const isPassed = witness.received.slice(0, seen).split('<').length > 2
    if (isPassed) return 'passes'
    return bounced ?? 'nothing'
  }
  if (isClosed || received.includes('</stream:stream>')) return 'closes'
  return 'waits'
}
