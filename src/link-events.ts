import type { StreamErrorCounters } from './counters.ts'
import type { Link, LinkHandler } from './link.ts'
import { escapeForLog, type Log, logEvent } from './log.ts'
import type { Router } from './router.ts'
import type { Routes } from './routes.ts'
import type { Head } from './xmpp/head.ts'
import type { StreamCondition } from './xmpp/stream-error.ts'

export interface LinkEventsParts {
  readonly routes: Routes
  readonly router: () => Router
  readonly streamErrors: StreamErrorCounters
  readonly log: Log
  /** A link is not up and will be dialled again in so many milliseconds. */
  readonly retrying: (link: Link, milliseconds: number) => void
  /** What a domain's server had told it holds no more. */
  readonly forgotten: (domain: string) => void
}

/** As often as a link that nobody refuses is tried in vain, some seconds, before that is a warning. */
const TRIES_BEFORE_WARNING = 3
/** So many reasons are warned of until the link is up: a server may word each anew. */
const REASONS_WARNED = 8

/** Since a link was up last: how often it was tried in vain, and which reasons have been warned of. */
interface Trouble {
  tries: number
  readonly told: Set<string>
}

/** What the links bring: stanzas to the router, and the rest to the log. */
export class LinkEvents implements LinkHandler {
  readonly #parts: LinkEventsParts
  readonly #troubles = new WeakMap<Link, Trouble>()

  constructor(parts: LinkEventsParts) {
    this.#parts = parts
  }

  linkStanza(link: Link, head: Head): void {
    const domain = this.#parts.routes.domains.get(link.domain)
    if (domain !== undefined) this.#parts.router().fromLink(domain, link, head)
  }

  linkUp(link: Link): void {
    link.outbox.pausesSources = true
    // What the server had told a node that is dead by now, it did not tell by this link.
    this.#forget(link.domain)
    this.#troubles.delete(link)
    logEvent(this.#parts.log, 'link-up', { domain: link.domain })
  }

  linkDown(link: Link, reason: string): void {
    link.outbox.pausesSources = false
    link.outbox.releaseSources()
    this.#forget(link.domain)
    // The retry that follows at once says it again.
    this.#troubles.set(link, { tries: -1, told: new Set([reason]) })
    logEvent(this.#parts.log, 'link-down', { domain: link.domain, reason: escapeForLog(reason) })
  }

  linkUnread(link: Link, bytes: number): void {
    const domain = this.#parts.routes.domains.get(link.domain)
    if (domain !== undefined) domain.counters.linksUnread++
    logEvent(this.#parts.log, 'link-unread', { domain: link.domain, bytes })
  }

  linkRetry(link: Link, reason: string, milliseconds: number, refused: boolean): void {
    const seconds = Math.round(milliseconds / 100) / 10
    const told = { domain: link.domain, seconds, reason: escapeForLog(reason) }
    if (this.#isNews(link, reason, refused)) logEvent(this.#parts.log, 'link-refused', told)
    logEvent(this.#parts.log, 'link-retry', told)
    this.#parts.retrying(link, milliseconds)
  }

  linkError(condition: StreamCondition): void {
    this.#parts.streamErrors.count(condition)
  }

  /** Whether a warning is due: once for each reason, and not while a server that restarts may still be back soon. */
  #isNews(link: Link, reason: string, refused: boolean): boolean {
    const trouble = this.#troubles.get(link) ?? { tries: 0, told: new Set() }
    this.#troubles.set(link, trouble)
    trouble.tries++
    if (trouble.told.has(reason) || trouble.told.size >= REASONS_WARNED) return false
    if (!refused && trouble.tries < TRIES_BEFORE_WARNING) return false
    trouble.told.add(reason)
    return true
  }

  /** Adverts hold as long as the stream that they came by (XEP-0355 §4, XEP-0356 §4). */
  #forget(name: string): void {
    const adverts = this.#parts.routes.domains.get(name)?.adverts
    const isNews = adverts !== undefined && adverts.all.length > 0
    adverts?.forget()
    if (isNews) this.#parts.forgotten(name)
  }
}
