import assert from 'node:assert/strict'
import type { Instance } from '../../src/instance.ts'
import { LocalRegistry, type Registry } from '../../src/registry.ts'
import { isRequest } from '../../src/replies.ts'
import type { Outbox } from '../../src/stream/outbox.ts'
import { withDelay } from '../../src/xmpp/delay.ts'
import { Found, Framer } from '../../src/xmpp/framer.ts'
import { ns } from '../../src/xmpp/namespaces.ts'
import { type Envelope, envelopeOf } from '../../src/xmpp/stanza-error.ts'
import { InnerNode, type LocalStream } from '../stub/inner-node.ts'
import { both, limits } from './reading.ts'

export type Side = 'instance' | 'server'

/** What has become of one stanza. */
export interface Passed {
  /** As the framer has it. */
  readonly taken: Buffer
  /** The same as it is sent again after an instance's death (XEP-0203). */
  readonly delayed: Buffer
  /** Whom it was for: the same bytes, others in its place, or an answer. */
  readonly out: readonly { readonly to: string; readonly bytes: Buffer }[]
}

/** What one side sends, as far as it was read. */
export interface Conversation {
  readonly side: Side
  readonly stanzas: readonly Passed[]
  /** Requests that the other side, or another instance, has been given, and by whom it may be answered. */
  readonly asked: readonly { readonly by: Side; readonly envelope: Envelope }[]
}

export const DELAYED_BY = 'switchyard.localhost'
export const DELAYED_AT = '2026-01-02T03:04:05Z'

/**
 * A node without sockets, between instances and the server of their domain. What a peer sends goes through framer, router and
 * outbox, as in a real one, and what comes out is written down by the stanza that made it come.
 */
export class Passage {
  readonly #node: InnerNode
  readonly #sender: Instance
  /** Each stream that is written to, and what it should have been written. */
  readonly #expected = new Map<LocalStream, string>()
  #out: { to: string; bytes: Buffer }[] = []

  constructor() {
    const text = 'domains: {a.test: {secret: s}, b.test: {secret: s}}\nlog: {level: error}'
    this.#node = new InnerNode(text, {
      ...{ clock: { now: 0 }, limits },
      registry: (): Registry => registry,
      keeper: () => undefined,
    })
    const { shares, router, log, routes } = this.#node
    const registry = new LocalRegistry({ shares, router, log, seated() {} })
    this.#sender = this.#node.join('red')
    this.#node.join('blue', undefined, routes.domains.get('b.test'))
    this.#record('server', this.#node.server)
    this.#record('red', this.#node.stream('red'))
    this.#record('blue', this.#node.stream('blue'))
  }

  /** What a peer sends on a stream, until it breaks a rule. */
  send(side: Side, document: Buffer): Conversation {
    const framer = new Framer(both)
    const stanzas: Passed[] = []
    const asked: { by: Side; envelope: Envelope }[] = []
    this.#sender.warned = false
    framer.push(document)
    for (let found = framer.next(); found !== Found.nothing; found = framer.next()) {
      if (found === Found.header && framer.header?.content === ns.component) continue
      if (found !== Found.stanza) break
      const { head } = framer
      const taken = Buffer.from(head.bytes)
      const delayed = withDelay(head, DELAYED_BY, DELAYED_AT)
      const request = isRequest(head) ? envelopeOf(head) : undefined
      const isRefused = this.#route(side, framer)
      const out = this.#out
      this.#out = []
      stanzas.push({ taken, delayed, out })
      if (request !== undefined) asked.push(...out.flatMap(({ to, bytes }) => this.#asked(to, bytes)))
      if (isRefused) break
    }
    framer.stop()
    return { side, stanzas, asked }
  }

  /** What has been written is what came out, one after the other. */
  async settle(): Promise<void> {
    await this.#node.turn()
    for (const [stream, expected] of this.#expected) {
      assert.equal(stream.text, expected)
      stream.text = ''
      this.#expected.set(stream, '')
    }
  }

  #route(side: Side, { head }: Framer): boolean {
    const { router, domain } = this.#node
    if (side === 'instance') return router.fromInstance(this.#sender, head) !== undefined
    router.fromLink(domain, { pause() {}, resume() {} }, head)
    return false
  }

  /** The request as its new owner sees it, unless that is one that we play no part of. */
  #asked(to: string, bytes: Buffer): { by: Side; envelope: Envelope }[] {
    const asked: { by: Side; envelope: Envelope }[] = []
    if (to === 'blue') return asked
    this.#node.reframer.stanzas(bytes, (head) => {
      if (isRequest(head)) asked.push({ by: to === 'server' ? 'server' : 'instance', envelope: envelopeOf(head) })
    })
    return asked
  }

  #record(to: string, stream: LocalStream): void {
    const { outbox } = stream
    const append: Outbox['append'] = outbox.append.bind(outbox)
    this.#expected.set(stream, '')
    outbox.append = (buffer, start, end, ...rest) => {
      const bytes = Buffer.from(buffer.subarray(start, end))
      this.#out.push({ to, bytes })
      this.#expected.set(stream, `${this.#expected.get(stream)}${bytes}`)
      append(buffer, start, end, ...rest)
    }
  }
}
