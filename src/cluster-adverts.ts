import { tellAll } from './advertising.ts'
import type { Incarnation } from './cluster/cluster-store.ts'
import type { DomainRoutes } from './domain-routes.ts'
import type { Router } from './router.ts'
import type { Routes } from './routes.ts'

export interface ClusterAdvertsParts {
  readonly routes: Routes
  readonly router: Router
  /** The other nodes. */
  readonly others: () => readonly Incarnation[]
  readonly send: (node: Incarnation, text: string) => void
  /** Told that what another node has said makes no sense. */
  readonly unreadable: (reason: string) => void
}

/** What a domain's server has told one node about its rights is for the instances of all nodes. */
export class ClusterAdverts {
  readonly #parts: ClusterAdvertsParts

  constructor(parts: ClusterAdvertsParts) {
    this.#parts = parts
  }

  /** Tells the other nodes, or one of them, what a domain's server has said. */
  tell(domain: DomainRoutes, only?: Incarnation): void {
    const { others, send } = this.#parts
    const text = JSON.stringify({ domain: domain.name, adverts: domain.adverts.all.map((bytes) => bytes.toString()) })
    for (const node of others()) if ((only ?? node) === node) send(node, text)
  }

  /** A node has come. */
  greet(node: Incarnation): void {
    for (const domain of this.#parts.routes.domains.values()) if (domain.adverts.all.length > 0) this.tell(domain, node)
  }

  /** Another node says what a domain's server has told it. */
  heard(text: string): void {
    const { routes, router, unreadable } = this.#parts
    try {
      const { domain: name, adverts } = JSON.parse(text) as { domain: string; adverts: string[] }
      const domain = routes.domains.get(name)
      if (domain === undefined) return
      const fresh = domain.adverts.replace(adverts.map((advert) => Buffer.from(advert)))
      for (const advert of fresh) tellAll(router, domain, advert)
    } catch (error) {
      unreadable(error instanceof Error ? error.message : String(error))
    }
  }
}
