import { tellAll } from './advertising.ts'
import type { BounceReason } from './counters.ts'
import type { DomainRoutes } from './domain-routes.ts'
import { faultOf, isReachedBy, refuse, respelled } from './faults.ts'
import { placeOfAsker } from './hold.ts'
import type { Home, Instance } from './instance.ts'
import { Journaling } from './journaling.ts'
import type { LocalRouter } from './local.ts'
import { MOST_HOPS, presentTaker } from './passed-on.ts'
import { type Keeper, type Past, tenureOf } from './past.ts'
import { isReply, isRequest, Replies } from './replies.ts'
import { isConfirmation, noteAnswer, type ReplyingParts } from './replying.ts'
import { type Request, requestKey } from './requests.ts'
import type { Routes } from './routes.ts'
import type { Source } from './stream/outbox.ts'
import type { StanzaQueue } from './stream/queue.ts'
import type { Reframer } from './stream/reframe.ts'
import type { Upstreams } from './upstream.ts'
import { Form, type Head, Type } from './xmpp/head.ts'
import { isValidIq } from './xmpp/iq.ts'
import { isJid } from './xmpp/jid.ts'
import { envelopeOf, type StanzaCondition, stanzaError, undeliverable } from './xmpp/stanza-error.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

export interface RouterParts extends ReplyingParts {
  readonly routes: Routes
  /** Switchyard's own address: what is for it is answered here. */
  readonly self: DomainRoutes
  readonly local: LocalRouter
  readonly links: Upstreams
  readonly reframer: Reframer
  /** An instance asks to be drained. */
  readonly drain: (instance: Instance) => void
  /** Told, for one stanza in `SAMPLE`, how long it took to route, in seconds. */
  readonly routed: (seconds: number) => void
  /** Undefined where nothing outlives the node. */
  readonly keeper: () => Keeper | undefined
  /** What a domain's server has told it about its rights is for the instances of all nodes. */
  readonly advertised: (domain: DomainRoutes) => void
}

/** One stanza in so many is timed: to read a clock twice per stanza would cost more than to route it. A power of two. */
const SAMPLE = 64

/**
 * One stanza in, one fate: it is delivered, held, bounced or dropped, and counted as such, once. What it is given as
 * `head` is read during the call only.
 */
export class Router {
  readonly #parts: RouterParts
  readonly #replies = new Replies()
  readonly journaling: Journaling
  #isRetry = false
  #count = 0
  /** The node is stopping: only replies still find their way to instances. */
  isStopping = false

  constructor(parts: RouterParts) {
    this.#parts = parts
    this.journaling = new Journaling({
      ...{ keeper: parts.keeper, clock: parts.clock, reframer: parts.reframer },
      domains: () => parts.routes.domains.values(),
      route: (domain, head, past) => this.toInstance(domain, head, undefined, past),
      bounce: (domain, head, past) => this.bounce(domain, head, 'remote-server-timeout', 'life_over', past),
    })
  }

  /** From the XMPP server: legs (a) and (b) of the drawing. */
  fromLink(domain: DomainRoutes, link: Source, head: Head): void {
    if ((++this.#count & (SAMPLE - 1)) !== 0) return this.#fromLink(domain, link, head)
    const before = this.#parts.preciseNow()
    this.#fromLink(domain, link, head)
    this.#parts.routed((this.#parts.preciseNow() - before) / 1000)
  }

  #fromLink(domain: DomainRoutes, link: Source, head: Head): void {
    const target = this.#targetOf(head) ?? domain
    if (target !== domain && target !== this.#parts.self && !isReachedBy(domain, target)) {
      domain.counters.receivedFromLink++
      return this.bounce(domain, head, 'not-allowed', 'foreign_link')
    }
    target.counters.receivedFromLink++
    if (head.toStart < 0) return this.bounce(target, head, 'bad-request', 'no_to')
    if (head.streams || !isValidIq(head)) return this.bounce(target, head, 'bad-request', 'invalid')
    if (target === this.#parts.self)
      return this.#toSelf(domain, head, (reply) => this.#toServer(domain, reply, undefined))
    const advert = target.adverts.note(head, target.name)
    if (advert !== undefined) {
      target.counters.deliveredToSelf++
      tellAll(this, target, advert)
      return this.#parts.advertised(target)
    }
    // What is held where it outlives the node needs no bounce.
    if (this.isStopping && !isReply(head) && !target.hold.outlives) {
      return this.bounce(target, head, 'recipient-unavailable', 'shutdown')
    }
    this.toInstance(target, head, link)
  }

  /** From another node, which had meant it for an instance of this one. Nobody can be paused: the sender has a window. */
  fromNode(domain: DomainRoutes, name: string | undefined, head: Head, past: Past): void {
    domain.counters.receivedFromNodes++
    if ((past.ticket?.hops ?? 0) > MOST_HOPS) return this.bounce(domain, head, 'remote-server-timeout', 'hops', past)
    if (name === undefined) return this.#toServer(domain, head, undefined, undefined, past)
    const instance = presentTaker(domain, name)
    if (instance === undefined || isReply(head)) return this.toInstance(domain, head, undefined, past)
    // Unless they came as this one does: the instance may have its name of one that has left, and that they were meant for.
    const older = domain.hold.stanzas > 0 ? domain.hold.takePassedOn(domain.placeOf(head, true)) : undefined
    if (older !== undefined) {
      this.#parts.reframer.queue(older, (held, its) => this.#deliver(instance, held, undefined, its))
    }
    this.#deliver(instance, head, undefined, past)
  }

  /** From an instance: legs (c) and (d). Returns the stream error that it deserves, if it does. */
  fromInstance(instance: Instance, head: Head): StreamCondition | undefined {
    const { routes, self, reframer } = this.#parts
    const { buffer, fromStart, fromEnd, fromDomain, fromBare } = head
    if (fromStart < 0) return 'invalid-from'
    if (!instance.domain.isNamed(buffer, fromDomain, fromBare)) {
      if (routes.find(buffer, fromDomain, fromBare) !== instance.domain) return 'invalid-from'
      return respelled(instance, head, reframer, (own) => this.fromInstance(instance, own))
    }
    // The link is all instances' own, and Prosody closes it for an address that is none.
    if (head.fromForm !== Form.full && !isJid(buffer, fromStart, fromEnd)) return 'invalid-from'
    const target = this.#targetOf(head)
    if (target === self && isReply(head) && isConfirmation(instance, head)) return undefined
    const domain = target ?? instance.domain
    domain.counters.receivedFromInstances++
    const fault = faultOf(head)
    if (fault !== undefined) return refuse(this, domain, instance, head, fault)
    if (isReply(head) && !noteAnswer(instance, head, this.#parts)) return void domain.counters.dropped('foreign_reply')
    if (instance.domain.config.presence_repair_seconds > 0) instance.domain.presences.note(head, instance)
    if (target === self)
      this.#toSelf(instance.domain, head, (reply) => this.#deliver(instance, reply, undefined), instance)
    else {
      const outgoing = isRequest(head) ? this.#replies.wrap(head, instance.route) : head
      if (target === undefined) this.#toServer(domain, outgoing, instance.stream, instance)
      else if (this.isStopping && !isReply(head)) {
        this.bounce(target, outgoing, 'recipient-unavailable', 'shutdown', undefined, instance)
      } else this.toInstance(target, outgoing, instance.stream)
    }
    return undefined
  }

  /** To one of a served domain's instances. `source`, if any, is paused when there is no room. `past`: it comes again. */
  toInstance(domain: DomainRoutes, head: Head, source?: Source, past?: Past): void {
    if (domain.watcher !== undefined && past === undefined && !isReply(head)) domain.watcher.note(head)
    if (past?.ticket?.isVoid) {
      // Another node sees to it by now; unless only this one knows of it.
      if (past.ticket.isStored) return void domain.counters.forwarded++
      return this.toInstance(domain, head, source, { since: past.since, deaths: past.deaths, tenure: past.tenure })
    }
    // Nobody waits for a reply's turn, but somebody for the reply.
    if (past?.tenure?.isLost && !isReply(head))
      return this.bounce(domain, head, 'remote-server-timeout', 'life_over', past)
    if (domain.isJournaled && past?.ticket === undefined) {
      if (this.journaling.isFullFor(domain, head)) {
        return this.bounce(domain, head, 'resource-constraint', 'journal_full', past)
      }
      if (this.journaling.write(domain, head, source, past)) return
    }
    if (isReply(head)) return this.#toAsker(domain, head, source, past)
    const isPassedOn = past?.ticket?.hops !== undefined
    const instance = domain.pick(head, isPassedOn)
    if (instance !== undefined) return this.#deliver(instance, head, source, past)
    const place = domain.placeOf(head, isPassedOn)
    const taker = isPassedOn ? domain.takerOf(place, past.since, past.ticket?.hops) : undefined
    if (taker !== undefined) return this.#deliver(taker, head, source, past)
    // Nobody will come any more, to this life of the node.
    if (this.isStopping && domain.config.hold.store === 'memory') {
      return this.bounce(domain, head, 'recipient-unavailable', 'shutdown', past)
    }
    if (domain.config.when_unassigned === 'bounce' && !domain.isMoving(place) && !domain.isUnsettled(place)) {
      return this.bounce(domain, head, 'recipient-unavailable', 'unassigned', past)
    }
    const since = past?.since ?? this.#parts.clock.now
    if (domain.hold.add(place, head, since, past?.deaths ?? 0, past?.ticket, past?.isNew, tenureOf(past, source)))
      return
    this.bounce(domain, head, 'resource-constraint', 'hold_full', past)
  }

  /**
   * Routes stanzas of a domain anew, in order: what was held, or what `before` had not been handed. It returns before
   * anything newer is read, so nothing overtakes.
   */
  reroute(domain: DomainRoutes, queue: StanzaQueue, before?: Instance): void {
    this.#parts.reframer.queue(queue, (head, past) => {
      if (isReply(head) && before !== undefined && before.node === undefined)
        return this.#giveBack(domain, head, before)
      if (before !== undefined && isRequest(head)) before.requests.forget(envelopeOf(head))
      this.toInstance(domain, head, undefined, past)
    })
  }

  /** Bounces what waited for a link that is not to come. */
  giveUpLink(domain: Home, queue: StanzaQueue): void {
    this.#parts.reframer.queue(queue, (head, past) =>
      this.bounce(domain, head, 'remote-server-timeout', 'link_down', past),
    )
  }

  /** A reply in the queue of an instance has its own id again, and is for that instance only. */
  #giveBack(domain: DomainRoutes, head: Head, asker: Instance | undefined): void {
    if (asker?.stream.isOpen) this.#deliver(asker, head, undefined)
    else domain.counters.dropped('gone_asker')
  }

  /** Answers a stanza that reaches nobody with an error, where an answer is allowed; counts it under `domain`. */
  bounce(
    domain: Home,
    head: Head,
    condition: StanzaCondition,
    reason: BounceReason,
    past?: Pick<Past, 'ticket'>,
    back?: Instance,
  ): void {
    if (past?.ticket?.answered !== undefined && isRequest(head)) past.ticket.answered(requestKey(head))
    const fate = undeliverable(head)
    if (fate !== 'bounce') return domain.counters.dropped(fate)
    domain.counters.bounced(condition, reason)
    const envelope = envelopeOf(head)
    // A server ends the link when a stanza has no from.
    this.originate(domain, stanzaError({ ...envelope, to: envelope.to ?? domain.name }, condition), back)
  }

  /** Gives an instance a stanza of our own making. */
  tell(instance: Instance, bytes: Buffer): void {
    instance.domain.counters.receivedFromSelf++
    this.#parts.reframer.stanzas(bytes, (head) => this.#deliver(instance, head, undefined))
  }

  /** Answers a request that an instance was given and will not answer. */
  giveUp(domain: Home, request: Request): void {
    this.originate(domain, stanzaError(request.envelope, 'remote-server-timeout'))
  }

  /**
   * Sends a request that a dead instance was given to another, once (`retry_get`); it is given up when there is none, as
   * a hold would not remember that this was the second time.
   */
  retry(domain: DomainRoutes, request: Request, bytes: Buffer): void {
    this.#isRetry = true
    this.#parts.reframer.stanzas(bytes, (head) => {
      const instance = domain.pick(head)
      if (instance === undefined) return this.giveUp(domain, request)
      // It has been counted as delivered once already.
      domain.counters.receivedFromSelf++
      this.#deliver(instance, head, undefined)
    })
    this.#isRetry = false
  }

  /**
   * Sends a stanza of our own making on behalf of `domain`. `back` is the instance whose stanza it answers: it gets the
   * answer itself, as a message's id carries no route.
   */
  originate(domain: Home, text: string, back?: Instance): void {
    this.#parts.reframer.stanzas(Buffer.from(text), (head) => {
      const target = this.#targetOf(head)
      const to = target ?? domain
      to.counters.receivedFromSelf++
      if (back !== undefined && !isReply(head)) return this.#deliver(back, head, undefined)
      if (target === undefined) return this.#toServer(domain, head, undefined)
      if (target === this.#parts.self) return to.counters.dropped('loop')
      this.toInstance(target, head)
    })
  }

  #targetOf(head: Head): DomainRoutes | undefined {
    return head.toStart < 0 ? undefined : this.#parts.routes.find(head.buffer, head.toDomain, head.toBare)
  }

  /** An iq reply goes to the instance whose request it answers, whatever the balancing says. */
  #toAsker(domain: DomainRoutes, head: Head, source: Source | undefined, past: Past | undefined): void {
    const route = this.#replies.routeOf(head)
    if (route === undefined) return domain.counters.dropped('foreign_reply')
    const asker = this.#parts.routes.instanceAt(route)
    if (asker === undefined && this.#holdForAsker(domain, route, head, past)) return
    if (asker === undefined || asker.domain !== domain) return domain.counters.dropped('gone_asker')
    // Another node is to find the asker by the token, too.
    this.#deliver(asker, asker.node === undefined ? this.#replies.unwrap(head) : head, source, past)
  }

  /** A node that is taken for dead may have been frozen, and come back with the instance that asked: it has no other answer. */
  #holdForAsker(domain: DomainRoutes, route: string, head: Head, past: Past | undefined): boolean {
    const { routes, clock } = this.#parts
    if (this.isStopping || !routes.isMissed(route, clock.now)) return false
    return domain.hold.add(placeOfAsker(route), head, past?.since ?? clock.now, past?.deaths, past?.ticket, past?.isNew)
  }

  #deliver(instance: Instance, head: Head, source: Source | undefined, past?: Past): void {
    const { outbox } = instance.stream
    // What comes from another node has had its room there.
    if (past?.ticket?.hops === undefined && !outbox.hasRoom(head.end - head.start)) {
      return this.bounce(instance.domain, head, 'resource-constraint', 'stalled_full', past)
    }
    if (isRequest(head)) {
      if (instance.requests.isFull) {
        return this.bounce(instance.domain, head, 'resource-constraint', 'requests_full', past)
      }
      const retry = instance.domain.config.retry_get && head.type === Type.get && !this.#isRetry
      instance.requests.add(
        envelopeOf(head),
        this.#parts.clock.now,
        retry ? Buffer.from(head.bytes) : undefined,
        past?.ticket,
        instance.requests.isTiming ? undefined : this.#parts.preciseNow(),
      )
    }
    const since = past?.since ?? this.#parts.clock.now
    outbox.append(head.buffer, head.start, head.end, since, past?.deaths ?? 0, past?.ticket, tenureOf(past, source))
    if (source !== undefined && outbox.isFull) outbox.waitForRoom(source)
  }

  #toServer(domain: Home, head: Head, source: Source | undefined, back?: Instance, past?: Past): void {
    const link = this.#parts.links.linkFor(domain.name)
    if (link === undefined) return this.bounce(domain, head, 'remote-server-not-found', 'no_link', past, back)
    const { outbox } = link
    if (past?.ticket === undefined && this.journaling.isFullFor(domain, head)) {
      return this.bounce(domain, head, 'resource-constraint', 'journal_full', past, back)
    }
    if (past?.ticket?.hops === undefined && !outbox.hasRoom(head.end - head.start)) {
      return this.bounce(domain, head, 'remote-server-timeout', 'link_full', past, back)
    }
    const since = past?.since ?? this.#parts.clock.now
    const ticket = past?.ticket ?? this.journaling.keepForServer(domain, head, since, source)
    outbox.append(head.buffer, head.start, head.end, since, past?.deaths ?? 0, ticket)
    if (source !== undefined && outbox.isFull) outbox.waitForRoom(source)
  }

  #toSelf(domain: Home, head: Head, answer: (head: Head) => void, asker?: Instance): void {
    const origin = asker !== undefined ? 'instance' : domain === this.#parts.self ? 'vouched' : 'other'
    const reply = this.#parts.local.answer(head, origin)
    if (reply.kind === 'drop') return this.#parts.self.counters.dropped(reply.reason)
    this.#parts.self.counters.deliveredToSelf++
    if (reply.kind === 'taken') return
    const send = (text: string): void => {
      domain.counters.receivedFromSelf++
      // An answer says that all that came before has been read.
      this.journaling.whenKept(() => this.#parts.reframer.stanzas(Buffer.from(text), answer))
    }
    if (reply.kind === 'later') return void reply.text.then(send)
    send(reply.text)
    if (reply.drain && asker !== undefined) this.#parts.drain(asker)
  }
}
