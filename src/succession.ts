import type { DomainRoutes } from './domain-routes.ts'
import type { Instance } from './instance.ts'

/** What a succession needs of the shares. */
interface Awaited {
  confirmed(laden: readonly Instance[]): Promise<void>
  release(domain: DomainRoutes): void
}

/**
 * A second stream under the name of one that its instance has ended in order. That one may still read what it was written:
 * its end tells, and has a deadline (`Stream.end`). Until then the second gets nothing, so that nothing comes twice.
 */
export function succeed(domain: DomainRoutes, instance: Instance, old: Instance, shares: Awaited): void {
  domain.replace(instance)
  domain.departing.add(old)
  const wait = domain.keepBack(instance)
  shares.confirmed(predecessorsOf(domain, instance)).then(() => {
    domain.moving.end(wait)
    shares.release(domain)
  })
}

/** Those of this node that had the name of a member before it, and have not ended yet. */
export function predecessorsOf({ departing, members }: DomainRoutes, instance: Instance): readonly Instance[] {
  if (members.get(instance.name) !== instance) return []
  return [...departing].filter(({ name, node }) => name === instance.name && node === undefined)
}
