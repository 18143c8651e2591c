import type { Express } from './express.ts'
import type { FramerLimits } from './found.ts'
import { PlainFramer } from './plain-framer.ts'

/** Plain framers kept for the next time: streams need one for the moments only in which one is inside an element. */
const KEPT = 16

/** What the framers of many streams share. */
export class Scanners {
  readonly limits: FramerLimits
  /** Absent where WebAssembly, or its SIMD, is: the plain framer alone does the same. */
  readonly express: Express | undefined
  readonly #idle: PlainFramer[] = []

  constructor(limits: FramerLimits, express?: Express) {
    this.limits = limits
    this.express = express
  }

  borrow(): PlainFramer {
    return this.#idle.pop() ?? new PlainFramer(this.limits)
  }

  giveBack(plain: PlainFramer): void {
    if (this.#idle.length >= KEPT) return
    plain.trim()
    this.#idle.push(plain)
  }
}
