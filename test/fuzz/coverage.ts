import { type Profiler, Session } from 'node:inspector'

interface Taken {
  readonly result: readonly Profiler.ScriptCoverage[]
}

/**
 * Which blocks of the code have run, by V8's precise coverage: no instrumentation, so what runs is what runs in production.
 * To look takes a millisecond or so, whatever has run since the last look: it is for many inputs at once.
 *
 * Of a function that was compiled before this began, or while another one was in force, V8 knows only whether it has run.
 */
export class Coverage {
  readonly #session = new Session()
  readonly #isOurs: (url: string) => boolean
  /** Per function, a byte for each of its characters: 1 where a block has run. */
  readonly #functions = new Map<string, Uint8Array>()
  #covered = 0

  /** @param isOurs of which scripts, by their URL */
  constructor(isOurs: (url: string) => boolean) {
    this.#isOurs = isOurs
    this.#session.connect()
    this.#post('Profiler.enable')
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** Characters of code that have run. */
  get covered(): number {
    return this.#covered
  }

  /** Whether anything has run since the last look that had not before; and if it is to be `kept`, it has from now on. */
  look(kept: boolean): boolean {
    let isNew = false
    for (const { url, scriptId, functions } of this.#take()) {
      if (!this.#isOurs(url)) continue
      for (const { ranges } of functions) {
        if (this.#paint(scriptId, ranges, kept)) isNew = true
      }
    }
    return isNew
  }

  /** Nothing has run yet. */
  reset(): void {
    this.look(false)
    this.#functions.clear()
    this.#covered = 0
  }

  stop(): void {
    this.#post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }

  /** A function's ranges: itself, then blocks inside, each behind the one that it is in. */
  #paint(script: string, ranges: readonly Profiler.CoverageRange[], kept: boolean): boolean {
    const [whole] = ranges
    if (whole === undefined || whole.count === 0) return false
    const key = `${script}:${whole.startOffset}:${whole.endOffset}`
    const run = new Uint8Array(whole.endOffset - whole.startOffset)
    for (const { startOffset, endOffset, count } of ranges) {
      run.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset)
    }
    const before = this.#functions.get(key) ?? new Uint8Array(run.length)
    let added = 0
    for (let i = 0; i < run.length; i++) if (run[i] === 1 && before[i] === 0) added++
    if (added === 0 || !kept) return added > 0
    for (let i = 0; i < run.length; i++) if (run[i] === 1) before[i] = 1
    this.#functions.set(key, before)
    this.#covered += added
    return true
  }

  #take(): readonly Profiler.ScriptCoverage[] {
    return (this.#post('Profiler.takePreciseCoverage') as Taken).result
  }

  /** In this process the answer is there when the call returns. */
  #post(method: string, params?: object): unknown {
    let answer: unknown
    this.#session.post(method, params, (error, result) => {
      if (error !== null) throw error
      answer = result
    })
    return answer
  }
}
