import type { Context } from './context.ts'
import { normaliseDomain } from './names.ts'
import type { Path } from './problems.ts'
import type { RawConfig, RawDomain } from './schema.ts'

/** A fingerprint as it is compared: `sha256:` and 64 lower-case digits; a DNS name in lower case. */
export function normaliseCertificate(text: string): string {
  const lower = text.toLowerCase()
  return lower.startsWith('sha256:') ? `sha256:${lower.slice(7).replaceAll(':', '')}` : lower
}

/** What stands under `certificates`, normalised; nothing where it is absent. */
export function readCertificates({ certificates }: Pick<RawDomain, 'certificates'>): {
  readonly certificates?: readonly string[]
} {
  return certificates === undefined ? {} : { certificates: certificates.map(normaliseCertificate) }
}

/** The certificate says which instance connects, and somebody must ask for it. */
export function checkCertificates(raw: RawConfig, context: Context): void {
  for (const [key, domain] of Object.entries(raw.domains)) {
    const at = ['domains', key]
    const owners = new Map<string, string>()
    checkAsked(at, key, domain, raw, context)
    for (const [name, instance] of Object.entries(domain.instances ?? {})) {
      const path = [...at, 'instances', name]
      checkAsked(path, key, instance, raw, context)
      for (const [index, text] of (instance.certificates ?? []).entries()) {
        const certificate = normaliseCertificate(text)
        const owner = owners.get(certificate)
        if (owner !== undefined && owner !== name)
          context.report(
            [...path, 'certificates', index],
            `is also the certificate of ${owner}: the certificate says which instance connects`,
          )
        owners.set(certificate, owner ?? name)
      }
    }
    if (domain.instances !== undefined && domain.certificates !== undefined) {
      context.report([...at, 'certificates'], 'cannot stand beside instances: give it to one of them', 'key')
    }
  }
}

/** Only a listener with `tls.ca` asks for a certificate. */
function checkAsked(
  at: Path,
  domain: string,
  { certificates }: Pick<RawDomain, 'certificates'>,
  { listen }: RawConfig,
  context: Context,
): void {
  if (certificates === undefined) return
  const name = normaliseDomain(domain)
  const isAsked = listen.some(
    ({ tls, domains }) => tls?.ca !== undefined && (domains?.some((one) => normaliseDomain(one) === name) ?? true),
  )
  const path = [...at, 'certificates']
  if (!isAsked)
    context.report(path, 'has no effect: no listener that serves the domain has tls.ca', 'key', [path, ['listen']])
}
