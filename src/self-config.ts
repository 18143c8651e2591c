import type { Config, Domain } from '../config/config.ts'

/** Our own address has no instances; it is in the routing table to be found, and counted. */
export function selfConfig(config: Config): Domain {
  return (
    config.domains.get(config.address) ?? {
      name: config.address,
      when_unassigned: 'bounce',
      hold: { seconds: 0, bytes: 0, store: 'memory' },
      delivery: 'at_most_once',
      on_conflict: 'refuse',
      bare_domain: 'destination',
      hash: 'murmur3',
      iq_seconds: 300,
      presence_repair_seconds: 0,
      redeliver_set: false,
      require_confirmation: false,
      retry_get: false,
    }
  )
}
