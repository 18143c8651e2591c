import type { Clock } from './clock.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'
import { escapeForLog, type Log, logEvent } from './log.ts'
import type { Past } from './past.ts'
import { MOST_DEATHS } from './quarantine.ts'
import { isReply, isRequest } from './replies.ts'
import type { Router } from './router.ts'
import type { StanzaQueue } from './stream/queue.ts'
import type { Reframer } from './stream/reframe.ts'
import { withDelay } from './xmpp/delay.ts'
import { type Head, Type, typeOf } from './xmpp/head.ts'
import { envelopeOf } from './xmpp/stanza-error.ts'

export interface RedeliveryParts {
  readonly router: Router
  readonly reframer: Reframer
  readonly clock: Clock
  readonly log: Log
  /** Switchyard's own address: who says that a stanza was delayed. */
  readonly address: string
  /** What the clock must be added to for milliseconds since 1970. */
  readonly epoch: number
}

/**
 * What becomes of the stanzas that an instance had been written and had not confirmed when its stream ended: it may have
 * read them, or not. In order, and before anything newer of the same key is read.
 */
export class Redelivery {
  readonly #parts: RedeliveryParts

  constructor(parts: RedeliveryParts) {
    this.#parts = parts
  }

  /**
   * Gives them to whom they are for now. `isDeath` is false when the stream ended in order: then no stanza can have been
   * the cause.
   */
  redeliver(domain: DomainRoutes, gone: Instance, sent: StanzaQueue, isDeath: boolean): void {
    for (let slab = sent.shift(); slab !== undefined; slab = sent.shift()) {
      const deaths = slab.deaths + (isDeath ? 1 : 0)
      const past = { since: slab.since, deaths, ticket: slab.ticket, tenure: slab.tenure }
      this.#parts.reframer.slab(slab, (head) => this.#again(domain, gone, head, past))
    }
  }

  /**
   * Gives what a node that is dead had been given, or had written down, to whom it is for now, or holds it: in order, and
   * with its ticket. Throws when it cannot be read.
   */
  restore(domain: DomainRoutes, bytes: Buffer, past: Past): void {
    const { router, reframer, address, epoch } = this.#parts
    reframer.stanzas(bytes, (head) => {
      domain.counters.receivedFromStore++
      // It may have been carried out.
      if (head.type === Type.set && isRequest(head) && !domain.config.redeliver_set) {
        return router.bounce(domain, head, 'remote-server-timeout', 'instance_gone', past)
      }
      if (isReply(head)) return router.toInstance(domain, head, undefined, past)
      const again = withDelay(head, address, stampOf(epoch + past.since))
      reframer.stanzas(again, (delayed) => router.toInstance(domain, delayed, undefined, past))
    })
  }

  #again(domain: DomainRoutes, gone: Instance, head: Head, past: Past): void {
    const { router, reframer, address, epoch } = this.#parts
    // It answers a request of the instance that is gone; where that one is elsewhere, its token says who has asked.
    if (isReply(head)) {
      return gone.node === undefined
        ? domain.counters.dropped('gone_asker')
        : router.toInstance(domain, head, undefined, past)
    }
    if (isRequest(head) && !gone.requests.forget(envelopeOf(head))) {
      // It was answered, so it was read, whatever the barriers say; whoever asked gets no second answer.
      domain.counters.deliveredToGone++
      return
    }
    // It may have been carried out: whoever asked must look before asking again.
    if (head.type === Type.set && isRequest(head) && !domain.config.redeliver_set) {
      return router.bounce(domain, head, 'remote-server-timeout', 'instance_gone', past)
    }
    if (past.deaths >= MOST_DEATHS) return this.#quarantine(domain, head, past)
    const again = withDelay(head, address, stampOf(epoch + past.since))
    reframer.stanzas(again, (delayed) => router.toInstance(domain, delayed, undefined, past))
  }

  #quarantine(domain: DomainRoutes, head: Head, past: Past): void {
    const { log, clock, epoch, router } = this.#parts
    domain.quarantine.add(Buffer.from(head.bytes), epoch + clock.now, { ...envelopeOf(head), type: typeOf(head) })
    logEvent(log, 'stanza-quarantined', {
      domain: domain.name,
      from: escapeForLog(head.text(head.fromStart, head.fromEnd) ?? ''),
      id: escapeForLog(head.text(head.idStart, head.idEnd) ?? ''),
      bytes: head.end - head.start,
    })
    router.bounce(domain, head, 'service-unavailable', 'quarantined', past)
  }
}

/** XEP-0082 §3.2. */
function stampOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
