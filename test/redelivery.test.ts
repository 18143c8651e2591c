import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DomainRoutes } from '../src/domain-routes.ts'
import type { Instance } from '../src/instance.ts'
import { createLog } from '../src/log.ts'
import type { Past } from '../src/past.ts'
import { Quarantine } from '../src/quarantine.ts'
import { Redelivery } from '../src/redelivery.ts'
import { Requests } from '../src/requests.ts'
import type { Router } from '../src/router.ts'
import { StanzaQueue } from '../src/stream/queue.ts'
import { Reframer } from '../src/stream/reframe.ts'
import type { Head } from '../src/xmpp/head.ts'
import { envelopeOf } from '../src/xmpp/stanza-error.ts'

const limits = { stanza_bytes: 10_000, depth: 10, elements: 20, attributes: 10, namespaces: 20 }
const SINCE = 7

const message = (id: string): string => `<message from='u@b' to='a.test' id='${id}'/>`
const iq = (type: string, id: string): string =>
  `<iq type='${type}' from='u@b' to='a.test' id='${id}'><q xmlns='x'/></iq>`

/** What becomes of stanzas that an instance died with: in order, what the router was told. */
function yard(config: { readonly redeliver_set: boolean } = { redeliver_set: false }) {
  const told: string[] = []
  const id = (head: Head): string => head.text(head.idStart, head.idEnd) ?? ''
  const router = {
    toInstance: (_: DomainRoutes, head: Head, _source: undefined, past: Past) => {
      const delay = /<delay [^>]*from='yard\.test' stamp='([^']*)'/.exec(head.bytes.toString())?.[1]
      told.push(`again ${id(head)} since ${past.since} deaths ${past.deaths}${delay ? ` ${delay}` : ''}`)
    },
    bounce: (_: DomainRoutes, head: Head, condition: string, reason: string) =>
      void told.push(`bounce ${id(head)} ${condition} ${reason}`),
  } as unknown as Router
  const counters = { deliveredToGone: 0, dropped: (reason: string) => void told.push(`drop ${reason}`) }
  const domain = { name: 'a.test', config, counters, quarantine: new Quarantine() } as unknown as DomainRoutes
  const gone = { name: 'blue', requests: new Requests() } as unknown as Instance
  const log = createLog({ level: 'silent' as 'info', node: 'yard' }, { write: () => {} })
  const reframer = new Reframer(limits)
  const redelivery = new Redelivery({ router, reframer, clock: { now: 50 }, log, address: 'yard.test', epoch: 1000 })
  /** The queue of what was sent; requests among it wait for an answer, but for those named. */
  const sent = (stanzas: readonly string[], deaths = 0, answered: readonly string[] = []): StanzaQueue => {
    const queue = new StanzaQueue()
    for (const stanza of stanzas) {
      queue.append(Buffer.from(stanza), 0, Buffer.byteLength(stanza), SINCE, deaths)
      reframer.stanzas(Buffer.from(stanza), (head) => {
        if (!answered.includes(id(head))) gone.requests.add(envelopeOf(head), SINCE)
      })
    }
    return queue
  }
  return { told, counters, domain, gone, redelivery, sent }
}

test('messages, presence and iq get come again in order, with the time at which they first came', () => {
  const { told, domain, gone, redelivery, sent } = yard()
  const presence = "<presence from='u@b' to='a.test' id='p'/>"
  const queue = sent([message('1'), presence, iq('get', 'g'), message('2')])
  redelivery.redeliver(domain, gone, queue, true)
  const delay = '1970-01-01T00:00:01.007Z'
  assert.deepEqual(told, [
    `again 1 since 7 deaths 1 ${delay}`,
    `again p since 7 deaths 1 ${delay}`,
    'again g since 7 deaths 1',
    `again 2 since 7 deaths 1 ${delay}`,
  ])
  assert.ok(queue.isEmpty)
})

test('a stream that ended in order is the death of no stanza', () => {
  const { told, domain, gone, redelivery, sent } = yard()
  redelivery.redeliver(domain, gone, sent([message('1')], 2), false)
  assert.match(told[0]!, /^again 1 since 7 deaths 2 /)
})

test('an iq set may have been carried out, so it is bounced, unless the domain says that it may come again', () => {
  const careful = yard()
  careful.redelivery.redeliver(careful.domain, careful.gone, careful.sent([iq('set', 's')]), true)
  assert.deepEqual(careful.told, ['bounce s remote-server-timeout instance_gone'])
  assert.equal(careful.gone.requests.size, 0, 'nobody answers it a second time')
  const bold = yard({ redeliver_set: true })
  bold.redelivery.redeliver(bold.domain, bold.gone, bold.sent([iq('set', 's')]), true)
  assert.deepEqual(bold.told, ['again s since 7 deaths 1'])
})

test('a request that was answered was read: it does not come again and is not answered again', () => {
  const { told, domain, gone, redelivery, sent, counters } = yard()
  redelivery.redeliver(domain, gone, sent([iq('get', 'g'), iq('set', 's')], 0, ['g', 's']), true)
  assert.deepEqual([told, counters.deliveredToGone], [[], 2])
})

test('replies to the dead are dropped and counted', () => {
  const { told, domain, gone, redelivery, sent } = yard()
  redelivery.redeliver(domain, gone, sent([iq('result', 'r'), iq('error', 'e')]), true)
  assert.deepEqual(told, ['drop gone_asker', 'drop gone_asker'])
})

test('what closes a third instance is bounced, and kept as it was for an operator to read', () => {
  const { told, domain, gone, redelivery, sent } = yard()
  redelivery.redeliver(domain, gone, sent([message('1')], 2), true)
  assert.deepEqual(told, ['bounce 1 service-unavailable quarantined'])
  assert.deepEqual(
    domain.quarantine.entries.map(({ bytes, since }) => [bytes.toString(), since]),
    [[message('1'), 1050]],
  )
})
