import type { DomainCounters } from '../counters.ts'
import type { CountersView } from './view.ts'

/** A domain's counters as the admin port shows them; `toInstances` is what the connected instances were delivered. */
export function countersView(counters: DomainCounters, toInstances: number): CountersView {
  return {
    received: {
      instance: counters.receivedFromInstances,
      link: counters.receivedFromLink,
      node: counters.receivedFromNodes,
      self: counters.receivedFromSelf,
      store: counters.receivedFromStore,
    },
    delivered: {
      instances: toInstances,
      gone: counters.deliveredToGone,
      link: counters.deliveredToLink,
      self: counters.deliveredToSelf,
    },
    forwarded: counters.forwarded,
    bounced: [...counters.bounces()],
    dropped: [...counters.drops()],
  }
}
