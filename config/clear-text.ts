import type { Config, Upstream } from './config.ts'
import type { Context } from './context.ts'
import { isLoopback, parseRedisUrl, parseService } from './names.ts'
import type { RawConfig } from './schema.ts'

/** With `require_tls`, what leaves the machine is TLS. Instances that come by clear text are refused as they come. */
export function checkRequiredTls(raw: RawConfig, context: Context): void {
  if (!raw.require_tls) return
  for (const [key, { upstream }] of Object.entries(raw.domains)) {
    const service = parseService(upstream?.service ?? '')
    if (service === undefined || service.tls || isLoopback(service.host)) continue
    const at = ['domains', key, 'upstream', 'service']
    const why = `is clear text to ${service.host}, which require_tls forbids: write xmpps://`
    context.report(at, why, 'value', [at, ['require_tls']])
  }
  for (const url of raw.cluster?.redis ?? []) {
    const shown = parseRedisUrl(url)
    if (shown?.startsWith('redis:') !== true || isLoopback(new URL(shown).hostname)) continue
    const at = ['cluster', 'redis']
    context.report(at, `is clear text to ${shown}, which require_tls forbids: write rediss://`, 'value', [
      at,
      ['require_tls'],
    ])
  }
}

/** The servers to which a secret goes in clear text, beyond loopback. */
export function* clearTextUpstreams({ domains }: Config): Generator<{ readonly domain: string } & Upstream> {
  for (const { name, upstream } of domains.values()) {
    if (upstream !== undefined && !upstream.tls && !isLoopback(upstream.host)) yield { domain: name, ...upstream }
  }
}
