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

/** The scanners of a node's streams, by the limits in force. */
export class Scanning {
  readonly #limits: () => FramerLimits
  #scanners: Scanners

  constructor(limits: () => FramerLimits) {
    this.#limits = limits
    this.#scanners = new Scanners(limits(), loadExpress(limits().stanza_bytes))
  }

  /** Whether the express scanner runs here. */
  get isExpress(): boolean {
    return this.#scanners.express !== undefined
  }

  /** For a stream that begins now: it keeps them, and their limits. */
  get scanners(): Scanners {
    const limits = this.#limits()
    const { express } = this.#scanners
    if (limits !== this.#scanners.limits) this.#scanners = new Scanners(limits, express)
    return this.#scanners
  }
}
