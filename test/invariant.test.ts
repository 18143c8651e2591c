import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Gateway } from '../src/gateway.ts'
import { createLog } from '../src/log.ts'
import { configOf, countsOf } from './e2e/node.ts'
import { attribute, StubInstance } from './stub/instance.ts'

const domains = ['a.test', 'b.test'] as const
type Domain = (typeof domains)[number]

interface Setting {
  readonly unassigned: 'hold' | 'bounce' | 'spill'
  readonly balancing: string
  readonly secrets: string
  readonly holdBytes: string
  readonly retry: boolean
}

const yard = ({ unassigned, balancing, secrets, holdBytes, retry }: Setting): string => `
node: yard
listen: [{port: 0}]
domains:
  a.test: {${secrets}, when_unassigned: ${unassigned}, hold: {seconds: 0.05, bytes: ${holdBytes}}, retry_get: ${retry}}
  b.test: {secret: swordfish, when_unassigned: ${unassigned}, hold: {seconds: 600, bytes: ${holdBytes}}}
domain_balancing: {${balancing}}
limits: {outbox_bytes: 4096}
drain: {seconds: 0}
log: {level: error}
`

const setting: fc.Arbitrary<Setting> = fc.record({
  unassigned: fc.constantFrom('hold', 'bounce', 'spill'),
  balancing: fc.constantFrom(
    '',
    'a.test: {type: random}, b.test: {type: random, component_number: 2}',
    'a.test: {type: bare_source}, b.test: {type: destination}',
    'a.test: {type: bare_source, component_number: 2}, b.test: {type: source, component_number: 3}',
    'a.test: {type: destination, component_number: 5}, b.test: {type: bare_destination, component_number: 2}',
  ),
  secrets: fc.constantFrom('secret: swordfish', 'instances: {x: {secret: swordfish}, y: {secret: swordfish2}}'),
  holdBytes: fc.constantFrom('0', '700', '1MiB'),
  retry: fc.boolean(),
})

type Step =
  | { readonly do: 'join'; readonly domain: Domain }
  | { readonly do: 'send'; readonly by: number; readonly to: string; readonly shape: number; readonly times: number }
  | { readonly do: 'die' | 'leave' | 'err' | 'freeze' | 'thaw' | 'answer'; readonly by: number }
  | { readonly do: 'reload'; readonly setting: Setting }

const by = fc.nat({ max: 7 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('join' as const), domain: fc.constantFrom(...domains) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      by,
      to: fc.constantFrom('a.test', 'b.test', 'u@a.test/r', 'room@b.test', 'else.test', 'switchyard.localhost', ''),
      shape: fc.nat({ max: 11 }),
      times: fc.constantFrom(1, 3, 40),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('die', 'leave', 'err', 'freeze', 'thaw', 'answer'), by }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('reload' as const), setting }) },
)

const shapes: readonly ((from: string, to: string, id: number) => string)[] = [
  (from, to, id) => `<message from='u${id % 5}@${from}'${to} id='${id}'><body>${'x'.repeat(300)}</body></message>`,
  (from, to, id) => `<message from='u${id % 5}@${from}/r'${to} type='headline' id='${id}'/>`,
  (from, to, id) => `<message from='${from}'${to} type='error' id='${id}'/>`,
  (from, to, id) => `<message from='${from}'${to} id='${id}'><body>${'x'.repeat(30_000)}</body></message>`,
  (from, to, id) => `<iq type='get' from='u${id % 5}@${from}'${to} id='${id}'><q xmlns='q'/></iq>`,
  (from, to, id) => `<iq type='set' from='${from}'${to} id='${id}'><q xmlns='q'/></iq>`,
  (from, to, id) => `<iq type='result' from='${from}'${to} id='${id}'/>`,
  (from, to, id) => `<iq type='error' from='${from}'${to} id='sy-aaaaaaaaaaaaaaaap${id}'/>`,
  (from, to, id) => `<iq type='get' from='${from}'${to} id='${id}'/>`,
  (from, to, id) => `<presence from='u${id % 5}@${from}'${to}/>`,
  (from, to, id) => `<presence from='${from}'${to} id='${id}'><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
  (from, to, id) => `<message from='${from}'${to} id='${id}'><x xmlns='http://etherx.jabber.org/streams'/></message>`,
]

/** One run: a gateway, the instances that the steps have opened, and a look at the counts whenever something happened. */
class Run {
  readonly #gateway: Gateway
  readonly #peers: { stub: StubInstance; domain: Domain; requests: string[] }[] = []
  #id = 0

  constructor(gateway: Gateway) {
    this.#gateway = gateway
  }

  check(after: string): void {
    for (const domain of domains) {
      const { received, ended, held } = countsOf(this.#gateway, domain)
      assert.equal(received, ended + held, `${domain} after ${after}`)
    }
  }

  async take(taken: Step): Promise<void> {
    if (taken.do === 'join') return await this.#join(taken.domain)
    if (taken.do === 'reload') return await this.#gateway.reload(configOf(yard(taken.setting)))
    const peer = this.#peers[taken.by % Math.max(1, this.#peers.length)]
    if (peer === undefined) return
    switch (taken.do) {
      case 'send':
        return this.#send(peer, taken.shape, taken.to, taken.times)
      case 'die':
        return void peer.stub.socket.destroy()
      case 'leave':
        return peer.stub.send('</stream:stream>')
      case 'err':
        return peer.stub.send('<&')
      case 'freeze':
        return peer.stub.freeze()
      case 'thaw':
        return peer.stub.thaw()
      case 'answer':
        return peer.stub.send(peer.requests.splice(0).join(''))
    }
  }

  destroy(): void {
    for (const { stub } of this.#peers) stub.socket.destroy()
  }

  async #join(domain: Domain): Promise<void> {
    const stub = await StubInstance.open(this.#gateway.ports[0]!, domain)
    stub.handshake('swordfish')
    const peer = { stub, domain, requests: [] as string[] }
    this.#peers.push(peer)
    void this.#collect(peer)
  }

  /** Takes what comes, so that `answer` has something to answer. */
  async #collect({ stub, requests }: { stub: StubInstance; requests: string[] }): Promise<void> {
    for (let item = await stub.next(); item.kind !== 'end'; item = await stub.next()) {
      const type = attribute(item.text, 'type')
      if (!item.text.startsWith('<iq') || (type !== 'get' && type !== 'set')) continue
      const [id, from, to] = ['id', 'from', 'to'].map((name) => attribute(item.text, name))
      requests.push(`<iq type='result' id='${id}' from='${to}' to='${from}'/>`)
    }
  }

  #send({ stub, domain }: { stub: StubInstance; domain: Domain }, shape: number, to: string, times: number): void {
    const address = to === '' ? '' : ` to='${to}'`
    for (let i = 0; i < times; i++) stub.send(shapes[shape]!(domain, address, this.#id++))
  }
}

test('received = delivered + forwarded + bounced + dropped + held, whatever comes, goes, hangs and is reconfigured', {
  timeout: 60_000,
}, async () => {
  const log = createLog({ level: 'silent', node: 'yard' })
  await fc.assert(
    fc.asyncProperty(setting, fc.array(step, { minLength: 10, maxLength: 60 }), async (first, steps) => {
      const gateway = await Gateway.start(configOf(yard(first)), { version: '1', log })
      const run = new Run(gateway)
      try {
        for (const [index, taken] of steps.entries()) {
          await run.take(taken)
          // Whatever has been read so far; the rest is read, and checked, in later turns.
          for (let turn = 0; turn < 4; turn++) {
            await new Promise(setImmediate)
            run.check(`step ${index}`)
          }
        }
        run.destroy()
        await gateway.stop()
        run.check('stop')
        for (const domain of domains) assert.equal(countsOf(gateway, domain).held, 0, 'nothing is left')
      } finally {
        run.destroy()
        await gateway.stop()
      }
    }),
    { numRuns: 300, seed: 7 },
  )
})
