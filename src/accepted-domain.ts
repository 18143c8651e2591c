import type { Config } from '../config/config.ts'
import { normaliseDomain } from '../config/names.ts'
import type { AcceptedDomain } from './stream/accept.ts'

/** The domain that a stream's header names, if instances may connect for it on a port that serves `allowed`, or all. */
export function acceptedDomain(
  config: Config,
  name: string,
  allowed: readonly string[] | undefined,
): AcceptedDomain | undefined {
  const domain = config.domains.get(normaliseDomain(name) ?? '')
  if (domain === undefined || (allowed !== undefined && !allowed.includes(domain.name))) return undefined
  const shared = (domain.secrets ?? []).map((secret) => ({ secret, instance: undefined }))
  const named = [...(domain.instances ?? [])].flatMap(([instance, { secrets }]) =>
    secrets.map((secret) => ({ secret, instance })),
  )
  const credentials = [...shared, ...named]
  return credentials.length === 0 ? undefined : { name: domain.name, credentials }
}
