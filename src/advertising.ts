import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'

/** Who gives an instance a stanza of our own making. */
export interface Teller {
  tell(instance: Instance, bytes: Buffer): void
}

/** Tells an instance that joins what the server has told the domain (XEP-0355, XEP-0356). */
export function replayAdverts(teller: Teller, domain: DomainRoutes, instance: Instance): void {
  for (const advert of domain.adverts.all) teller.tell(instance, advert)
}

/** The server's word is for every instance: those of this node are told now, and those that come are told then. */
export function tellAll(teller: Teller, domain: DomainRoutes, advert: Buffer): void {
  for (const instance of domain.members.values()) {
    if (instance.node === undefined) teller.tell(instance, advert)
  }
}
