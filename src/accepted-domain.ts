import type { Config, Domain, Shaper } from '../config/config.ts'
import { normaliseDomain } from '../config/names.ts'
import type { AcceptedDomain, Credential, ShownCertificate } from './stream/accept.ts'

/** What a listener knows of a connection before its header. */
export interface Arrival {
  /** Normalised names of the domains that its port serves; absent: all. */
  readonly domains?: readonly string[] | undefined
  readonly shaper?: Shaper | undefined
  readonly shown?: ShownCertificate | undefined
}

/** The domain that a stream's header names, if instances may connect for it on that port. */
export function acceptedDomain(
  config: Config,
  name: string,
  { domains: allowed, shaper, shown }: Arrival,
): AcceptedDomain | undefined {
  const domain = config.domains.get(normaliseDomain(name) ?? '')
  // Of a name that is not served as much is made as of any: that takes as long then.
  const credentials = credentialsOf(domain ?? nobody)
  if (domain === undefined || (allowed !== undefined && !allowed.includes(domain.name))) return undefined
  // Our own address has nothing to log in with.
  if (domain.secrets === undefined && domain.instances === undefined) return undefined
  const proved = shown && provedBy(shown, domain)
  return { name: domain.name, credentials, ...(proved && { proved }), ...(shaper && { shaper }) }
}

const nobody = { secrets: [''] }

function credentialsOf({ secrets, instances }: Pick<Domain, 'secrets' | 'instances'>): AcceptedDomain['credentials'] {
  const shared = (secrets ?? []).map((secret) => ({ secret, instance: undefined }))
  const named = [...(instances ?? [])].flatMap(([instance, { secrets }]) =>
    secrets.map((secret) => ({ secret, instance })),
  )
  return [...shared, ...named]
}

/** Which of the domain's certificates it is, if any. */
function provedBy(shown: ShownCertificate, { certificates, instances }: Domain): Credential | undefined {
  const isOneOf = (listed: readonly string[] | undefined): boolean =>
    listed?.some((one) => (one.startsWith('sha256:') ? one === shown.fingerprint : shown.isFor(one))) ?? false
  if (isOneOf(certificates)) return { secret: undefined, instance: undefined }
  for (const [instance, { certificates }] of instances ?? []) {
    if (isOneOf(certificates)) return { secret: undefined, instance }
  }
  return undefined
}
