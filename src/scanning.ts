import { readFileSync } from 'node:fs'
import { Reframer } from './stream/reframe.ts'
import { Express } from './xmpp/express.ts'
import type { FramerLimits } from './xmpp/found.ts'
import { Scanners } from './xmpp/scanners.ts'

/** Beside us in dist/ as in src/, where the build puts it. */
const code = new URL('./xmpp/assembly/express.wasm', import.meta.url)

/** The express scanner; why there is none goes to `without`: no WebAssembly, none with SIMD, or an unfinished installation. */
export function loadExpress(stanzaBytes: number, without: (why: string) => void = () => {}): Express | undefined {
  try {
    return new Express(new WebAssembly.Module(readFileSync(code)), stanzaBytes)
  } catch (error) {
    without(error instanceof Error ? error.message : String(error))
    return undefined
  }
}

/** The scanners of a node's streams, by the limits in force: a stream keeps those, and the limits, that it began with. */
export function scannersBy(limits: () => FramerLimits, without: (why: string) => void): () => Scanners {
  let scanners = new Scanners(limits(), loadExpress(limits().stanza_bytes, without))
  return () => {
    if (limits() !== scanners.limits) scanners = new Scanners(limits(), scanners.express)
    return scanners
  }
}

/** One that reads what has been queued or written down anew, with a scanner of its own where that is much. */
export function reframerOf(limits: FramerLimits): Reframer {
  return new Reframer(limits, () => loadExpress(limits.stanza_bytes))
}
