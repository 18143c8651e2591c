import { Coverage } from './coverage.ts'
import { Dice } from './generator.ts'
import { Mutator } from './mutator.ts'
import type { Target } from './target.ts'

/** An input that broke something. */
export interface Finding {
  readonly input: Buffer
  /** What went wrong, for people. */
  readonly why: string
}

export interface GuidedRun {
  readonly target: Target
  readonly seed: number
  readonly corpus: readonly Buffer[]
  /** Whether the code that a script's URL names is what is to be covered. */
  readonly isOurs: (url: string) => boolean
  /** Asked between batches. */
  readonly isOver: (figures: Figures) => boolean
  /** Told before an input is run, and with nothing once it has been: whoever watches knows it if it never ends. */
  readonly running?: (input: Buffer | undefined) => void
  readonly found: (finding: Finding) => void
}

export interface Figures {
  readonly inputs: number
  /** How many are worth changing further. */
  readonly kept: number
  /** Characters of code that have run. */
  readonly covered: number
  readonly slowestMs: number
}

/** What takes longer hangs. */
const HANG_MS = 100
/** A machine has other things to do: it hangs if it always does, and if the time is its own. */
const HANG_TRIES = 5
/** Of all kinds of failure the one that is found once, and not cut short: to try takes too long each time. */
const HANG = 'hang'
/** Inputs between two looks at the coverage. */
const BATCH = 64
/** As many failures of one kind say nothing more. */
const MOST_FINDINGS = 20
const MOST_KEPT = 4000
/** Of the newest so many one is chosen half of the time: what led somewhere may lead further. */
const NEWEST = 50
const MINIMISING_RUNS = 2000

/** Changes inputs, keeps those that reach code or words that none has reached before, and reports what breaks. */
export class Guided {
  readonly #run: GuidedRun
  readonly #dice: Dice
  readonly #mutator: Mutator
  readonly #kept: Buffer[] = []
  readonly #said = new Set<string>()
  readonly #failures = new Set<string>()
  readonly #coverage: Coverage
  #inputs = 0
  #slowestMs = 0

  constructor(run: GuidedRun) {
    this.#run = run
    this.#dice = new Dice(run.seed)
    this.#mutator = new Mutator(this.#dice, run.target.tokens, run.target.mostBytes)
    this.#coverage = new Coverage(run.isOurs)
  }

  get figures(): Figures {
    const { covered } = this.#coverage
    return { inputs: this.#inputs, kept: this.#kept.length, covered, slowestMs: this.#slowestMs }
  }

  async run(): Promise<Figures> {
    for (const input of this.#run.corpus) await this.#batch([input])
    if (this.#kept.length === 0) this.#kept.push(Buffer.alloc(0))
    while (!this.#run.isOver(this.figures)) await this.#batch(Array.from({ length: BATCH }, () => this.#next()))
    return this.figures
  }

  /** The shortest inputs that reach together all that has been reached, within so many bytes. */
  async distilled(mostBytes: number, given: readonly Buffer[] = []): Promise<readonly Buffer[]> {
    this.#coverage.reset()
    this.#said.clear()
    for (const input of given) await this.#isProgress(input)
    const chosen: Buffer[] = []
    let bytes = 0
    for (const input of [...this.#kept].sort((a, b) => a.length - b.length)) {
      if (!(await this.#isProgress(input)) || bytes + input.length > mostBytes) continue
      chosen.push(input)
      bytes += input.length
    }
    return chosen
  }

  stop(): void {
    this.#coverage.stop()
  }

  #next(): Buffer {
    const { fresh } = this.#run.target
    if (fresh !== undefined && this.#dice.chance(0.1)) return fresh(this.#dice).subarray(0, this.#run.target.mostBytes)
    return this.#mutator.mutate(this.#pick(), this.#pick())
  }

  #pick(): Buffer {
    const newest = this.#kept.slice(-NEWEST)
    return this.#dice.pick(this.#dice.chance(0.5) ? newest : this.#kept)
  }

  async #batch(inputs: readonly Buffer[]): Promise<void> {
    const later: Promise<void>[] = []
    for (const input of inputs) {
      const judged = this.#execute(input)
      if (this.#run.target.isSequential) await judged
      else later.push(judged)
    }
    await Promise.all(later)
    if (!this.#coverage.look(false)) return
    await this.#attribute(inputs)
    this.#coverage.look(true)
  }

  /** Finds out, by halves, which of these have reached something new: to look takes longer than to run one again. */
  async #attribute(inputs: readonly Buffer[]): Promise<void> {
    const [first] = inputs
    if (first !== undefined && inputs.length === 1) {
      if (await this.#isProgress(first)) this.#keep(first)
      return
    }
    const middle = inputs.length >> 1
    for (const half of [inputs.slice(0, middle), inputs.slice(middle)]) {
      for (const input of half) await this.#outcome(input)
      if (this.#coverage.look(false)) await this.#attribute(half)
    }
  }

  async #isProgress(input: Buffer): Promise<boolean> {
    this.#coverage.look(true)
    const started = performance.now()
    const { isNews } = await this.#outcome(input)
    const isSlow = performance.now() - started > HANG_MS
    const isNew = this.#coverage.look(true) || isNews
    // What follows from one that hangs would hang, too, and nothing else would be tried any more.
    return isNew && !(isSlow && this.#failures.has(HANG))
  }

  #keep(input: Buffer): void {
    this.#kept.push(input)
    if (this.#kept.length > MOST_KEPT) this.#kept.splice(this.#dice.below(this.#kept.length - NEWEST), 1)
  }

  async #execute(input: Buffer): Promise<void> {
    this.#inputs++
    const started = performance.now()
    const outcome = this.#outcome(input)
    if (this.#run.target.isSequential) await outcome
    const took = performance.now() - started
    if (took > HANG_MS && !this.#failures.has(HANG)) await this.#timeAgain(input)
    else this.#slowestMs = Math.max(this.#slowestMs, took)
    const { why, isNews } = await outcome
    if (isNews) this.#keep(input)
    if (why !== undefined) await this.#report(input, why)
  }

  /** Why it fails, if it does, and whether it says what no other has said. */
  async #outcome(input: Buffer): Promise<{ readonly why: string | undefined; readonly isNews: boolean }> {
    const { target, running } = this.#run
    try {
      running?.(input)
      const answer = target.run(input)
      if (!target.isSequential) running?.(undefined)
      const said = typeof answer === 'string' ? answer : await answer
      const isNews = !this.#said.has(said)
      this.#said.add(said)
      return { why: undefined, isNews }
    } catch (error) {
      return { why: error instanceof Error ? (error.stack ?? error.message) : String(error), isNews: false }
    } finally {
      running?.(undefined)
    }
  }

  async #timeAgain(input: Buffer): Promise<void> {
    let least = Number.POSITIVE_INFINITY
    for (let n = 0; n < HANG_TRIES; n++) {
      const started = performance.now()
      const before = process.cpuUsage()
      const outcome = this.#outcome(input)
      if (this.#run.target.isSequential) await outcome
      const { user, system } = process.cpuUsage(before)
      least = Math.min(least, performance.now() - started, (user + system) / 1000)
      await outcome
    }
    this.#slowestMs = Math.max(this.#slowestMs, least)
    if (least > HANG_MS) this.#found(input, `takes ${least.toFixed(0)} ms`, HANG)
  }

  async #report(input: Buffer, why: string): Promise<void> {
    const kind = kindOf(why)
    if (!this.#failures.has(kind)) this.#found(await this.#minimised(input, kind), why, kind)
  }

  #found(input: Buffer, why: string, kind: string): void {
    if (this.#failures.has(kind) || this.#failures.size >= MOST_FINDINGS) return
    this.#failures.add(kind)
    this.#run.found({ input, why })
  }

  /** A shorter input that fails in the same place. */
  async #minimised(input: Buffer, kind: string): Promise<Buffer> {
    let least = input
    let runs = 0
    for (let size = least.length >> 1; size > 0 && runs < MINIMISING_RUNS; size >>= 1) {
      for (let at = 0; at < least.length && runs < MINIMISING_RUNS; ) {
        const less = Buffer.concat([least.subarray(0, at), least.subarray(at + size)])
        runs++
        const { why } = await this.#outcome(less)
        if (why !== undefined && kindOf(why) === kind) least = less
        else at += size
      }
    }
    return least
  }
}

/** Where it happened, rather than with what: up to who runs it. */
function kindOf(why: string): string {
  const lines = why.split('\n')
  const us = lines.findIndex((line) => line.includes('Guided.#outcome'))
  const places = lines.slice(0, us).filter((line) => /^ +at /.test(line) && !line.includes('node:'))
  return places.length === 0 ? why.replace(/\d+/g, '0') : places.slice(0, 3).join('\n')
}
