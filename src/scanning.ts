import { readFileSync } from 'node:fs'
import { Express } from './xmpp/express.ts'
import type { FramerLimits } from './xmpp/found.ts'
import { Scanners } from './xmpp/scanners.ts'

/** Beside us in dist/ as in src/, where the build puts it. */
const code = new URL('./xmpp/assembly/express.wasm', import.meta.url)

/** The express scanner; undefined where this machine cannot run it (no WebAssembly, or none with SIMD). */
export function loadExpress(stanzaBytes: number): Express | undefined {
  if (!WebAssembly.validate(readFileSync(code))) return undefined
  return new Express(new WebAssembly.Module(readFileSync(code)), stanzaBytes)
}

/** The scanners of a node's streams, by the limits in force: a stream keeps those, and the limits, that it began with. */
export function scannersBy(limits: () => FramerLimits): () => Scanners {
  let scanners = new Scanners(limits(), loadExpress(limits().stanza_bytes))
  return () => {
    if (limits() !== scanners.limits) scanners = new Scanners(limits(), scanners.express)
    return scanners
  }
}
