import type { Clock } from './clock.ts'
import type { BounceReason } from './counters.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Place } from './hold.ts'
import type { Instance } from './instance.ts'
import type { Instances } from './instances.ts'
import type { Links } from './links.ts'
import { type Log, logEvent } from './log.ts'
import { unavailable } from './presences.ts'
import type { Router } from './router.ts'
import type { Routes } from './routes.ts'
import type { Outbox } from './stream/outbox.ts'
import type { Slab } from './stream/queue.ts'
import type { Reframer } from './stream/reframe.ts'
import { standingFor } from './stream/standstill.ts'
import type { StanzaCondition } from './xmpp/stanza-error.ts'

export interface WatchParts {
  readonly routes: Routes
  readonly instances: Instances
  readonly links: Links
  readonly router: Router
  readonly reframer: Reframer
  readonly clock: Clock
  readonly log: Log
  readonly patience: Patience
  readonly limits: () => { readonly stalled_after_seconds: number; readonly close_stalled_after_seconds: number }
}

/** How long an instance may be silent, in seconds. */
export interface Patience {
  /** One that has been written nothing for so long is pinged, to find a connection that is half open. */
  readonly idle_seconds: number
  /** A ping unanswered for so long makes an instance suspect, or unconfirmed if it never answered one, … */
  readonly suspect_seconds: number
  /** … and for so long closes it. */
  readonly hung_seconds: number
}

/**
 * What an instance has that hangs is another's within 15 s: half a second of that is for the ping, which goes 20 ms after
 * what it asks about, for the time until the next look, and for its share to move, to another node perhaps.
 */
export const usualPatience: Patience = { idle_seconds: 30, suspect_seconds: 5, hung_seconds: 14.5 }

/** A tick that comes so much later than the one before, in milliseconds, says that the node itself has stood still. */
const LATE_MILLISECONDS = 1000

/** Ends what has waited for long enough: held stanzas, requests, readers that read nothing. Called with every tick. */
export class Watch {
  readonly #parts: WatchParts
  /** Those for which something waits, as far as the log knows. */
  readonly #holding = new WeakSet<DomainRoutes>()
  /** When it looked last, in the clock's milliseconds. */
  #lookedAt: number | undefined

  constructor(parts: WatchParts) {
    this.#parts = parts
  }

  tick(): void {
    const { now } = this.#parts.clock
    const hasStoodStill = now - (this.#lookedAt ?? now) >= LATE_MILLISECONDS
    this.#lookedAt = now
    for (const domain of this.#parts.routes.domains.values()) {
      this.#noteHold(domain)
      this.#expireHold(domain)
      this.#repairPresence(domain)
    }
    this.#expireLinks()
    this.#parts.router.journaling.tick()
    // Not `of`, which makes an array for each: there may be ten thousand, ten times a second.
    this.#parts.instances.all.forEach((domain, instance) => {
      this.#expireRequests(domain, instance)
      // What it has answered meanwhile, and how much it has read, is seen once its socket has been looked at.
      if (hasStoodStill) instance.heardAt = now
      else this.#watchReader(domain, instance)
      this.#watchAnswers(domain, instance)
    })
  }

  /** Bounces all that is held for a domain. */
  giveUpHold(domain: DomainRoutes, reason: BounceReason): number {
    const unwritten = this.#bounceUnwritten(domain, Number.POSITIVE_INFINITY, reason)
    return unwritten + this.#bounceHeld(domain, Number.POSITIVE_INFINITY, reason)
  }

  /** Bounces what is held for a domain and would end with the node, which stops. */
  giveUpUnsaved(domain: DomainRoutes): void {
    this.#parts.reframer.queue(domain.hold.takeUnsaved(), (head, past) =>
      this.#parts.router.bounce(domain, head, 'recipient-unavailable', 'shutdown', past),
    )
  }

  /** Bounces what has waited in an outbox since before that time. */
  giveUpOld(domain: DomainRoutes, outbox: Outbox, before: number): void {
    for (let slab = outbox.takeOlderThan(before); slab !== undefined; slab = outbox.takeOlderThan(before)) {
      this.#bounce(domain, slab, 'recipient-unavailable', 'hold_expired')
    }
  }

  /** Says once that something waits, and again only after nothing did. */
  #noteHold(domain: DomainRoutes): void {
    if (domain.hold.stanzas === 0) this.#holding.delete(domain)
    else if (!this.#holding.has(domain)) {
      this.#holding.add(domain)
      logEvent(this.#parts.log, 'hold-started', { domain: domain.name, stanzas: domain.hold.stanzas })
    }
  }

  #expireHold(domain: DomainRoutes): void {
    const before = this.#parts.clock.now - domain.config.hold.seconds * 1000
    // What changes hands waits for confirmations, which have a deadline of their own, and for no instance.
    let expired = this.#bounceHeld(domain, before, 'hold_expired', (place) => domain.isMoving(place))
    expired += this.#bounceUnwritten(domain, before, 'hold_expired')
    if (expired > 0) logEvent(this.#parts.log, 'hold-expired', { domain: domain.name, stanzas: expired })
  }

  /** What could not be written down. */
  #bounceUnwritten(domain: DomainRoutes, before: number, reason: BounceReason): number {
    const unwritten = domain.unwritten.takeOlderThan(before)
    const { stanzas } = unwritten
    for (let slab = unwritten.shift(); slab !== undefined; slab = unwritten.shift()) {
      this.#bounce(domain, slab, 'recipient-unavailable', reason)
    }
    return stanzas
  }

  #bounceHeld(
    domain: DomainRoutes,
    before: number,
    reason: BounceReason,
    isExempt?: (place: Place) => boolean,
  ): number {
    let stanzas = 0
    const next = (): Slab | undefined => domain.hold.takeOlderThan(before, isExempt)
    for (let slab = next(); slab !== undefined; slab = next()) {
      stanzas += slab.stanzas
      this.#bounce(domain, slab, 'recipient-unavailable', reason)
    }
    return stanzas
  }

  /** What waits for a link that is down, or up and not read, waits for so long and no longer. */
  #expireLinks(): void {
    const { clock, limits } = this.#parts
    for (const { link, way, config, domain, standstill } of this.#parts.links.all()) {
      if (way === link && link.state === 'online') {
        const stalled = standingFor(standstill, link.outbox, clock.now) >= limits().stalled_after_seconds * 1000
        link.outbox.pausesSources = !stalled
        if (stalled) link.outbox.releaseSources()
        else continue
      }
      const before = clock.now - config.queue.seconds * 1000
      for (const { outbox } of new Set([link, way])) {
        for (let slab = outbox.takeOlderThan(before); slab !== undefined; slab = outbox.takeOlderThan(before)) {
          this.#bounce(domain, slab, 'remote-server-timeout', 'link_down')
        }
      }
    }
  }

  #bounce(domain: DomainRoutes, slab: Slab, condition: StanzaCondition, reason: BounceReason): void {
    this.#parts.reframer.slab(slab, (head, past) => this.#parts.router.bounce(domain, head, condition, reason, past))
  }

  /** Nobody says any more what a dead instance said: its contacts are told that it is over. */
  #repairPresence(domain: DomainRoutes): void {
    const before = this.#parts.clock.now - domain.config.presence_repair_seconds * 1000
    for (const presence of domain.presences.takeOrphansOlderThan(before)) {
      this.#parts.router.originate(domain, unavailable(presence))
    }
  }

  #expireRequests(domain: DomainRoutes, instance: Instance): void {
    const before = this.#parts.clock.now - domain.config.iq_seconds * 1000
    let request = instance.requests.takeOlderThan(before)
    for (; request !== undefined; request = instance.requests.takeOlderThan(before)) {
      this.#parts.router.giveUp(domain, request)
    }
  }

  /** design: a slow reader slows its senders; one that reads nothing is stalled, and in the end closed. */
  #watchReader(domain: DomainRoutes, instance: Instance): void {
    const { outbox } = instance.stream
    const { stalled_after_seconds, close_stalled_after_seconds } = this.#parts.limits()
    const standing = standingFor(instance.standstill, outbox, this.#parts.clock.now)
    if (standing >= close_stalled_after_seconds * 1000) {
      return instance.stream.close('connection-timeout', `nothing was read for ${close_stalled_after_seconds} s`)
    }
    if (instance.state === 'draining' || instance.state === 'suspect') return
    const isStalled = instance.state === 'stalled'
    if (!isStalled && standing >= stalled_after_seconds * 1000) this.#stall(domain, instance)
    else if (isStalled && standing === 0 && !outbox.isFull) this.#unstall(domain, instance)
  }

  /** An instance that owes an answer to a ping is suspect, and in the end closed; one that never gave any just has none. */
  #watchAnswers(domain: DomainRoutes, instance: Instance): void {
    const { clock, patience } = this.#parts
    const { outbox } = instance.stream
    if (!outbox.isConfirming) return
    // It may have answered long ago: we do not read it while it feeds a slower one.
    if (instance.stream.isPaused) instance.heardAt = clock.now
    if (instance.isUnconfirmed) this.#believe(domain, instance)
    const since = outbox.owingSince
    const silence = since === undefined ? 0 : clock.now - Math.max(since, instance.heardAt)
    if (silence >= patience.suspect_seconds * 1000) return this.#doubt(domain, instance, silence)
    if (instance.state === 'suspect') this.#trust(domain, instance)
    if (since === undefined && clock.now - outbox.askedAt >= patience.idle_seconds * 1000) outbox.probe()
  }

  /** It has answered after all: from now on it is served as one that confirms. */
  #believe(domain: DomainRoutes, instance: Instance): void {
    instance.isUnconfirmed = false
    if (instance.state !== 'unconfirmed') return
    instance.state = 'active'
    domain.refresh(instance)
  }

  #doubt(domain: DomainRoutes, instance: Instance, silence: number): void {
    const { log, patience } = this.#parts
    const names = { domain: domain.name, instance: instance.name }
    if (!instance.hasConfirmed) {
      if (domain.config.require_confirmation) return instance.stream.close('policy-violation', 'pings must be answered')
      instance.isUnconfirmed = true
      if (instance.state !== 'draining' && instance.state !== 'stalled') instance.state = 'unconfirmed'
      instance.stream.outbox.stopConfirming()
      return logEvent(log, 'instance-unconfirmed', names)
    }
    if (silence >= patience.hung_seconds * 1000) {
      return instance.stream.close('connection-timeout', `no answer to a ping for ${patience.hung_seconds} s`)
    }
    if (instance.state === 'suspect' || instance.state === 'draining') return
    instance.state = 'suspect'
    domain.counters.suspected++
    this.#parts.instances.sideline(domain, instance)
    logEvent(log, 'instance-suspect', names)
  }

  #trust(domain: DomainRoutes, instance: Instance): void {
    instance.state = 'active'
    // It may have been stalled before: if it still is, the next look says so.
    instance.stream.outbox.pausesSources = true
    this.#parts.instances.reinstate(domain, instance)
  }

  #stall(domain: DomainRoutes, instance: Instance): void {
    const { outbox } = instance.stream
    instance.state = 'stalled'
    domain.refresh(instance)
    outbox.pausesSources = false
    outbox.releaseSources()
    logEvent(this.#parts.log, 'instance-stalled', { domain: domain.name, instance: instance.name, bytes: outbox.bytes })
  }

  #unstall(domain: DomainRoutes, instance: Instance): void {
    instance.state = instance.isUnconfirmed ? 'unconfirmed' : 'active'
    domain.refresh(instance)
    instance.stream.outbox.pausesSources = true
    logEvent(this.#parts.log, 'instance-unstalled', { domain: domain.name, instance: instance.name })
  }
}
