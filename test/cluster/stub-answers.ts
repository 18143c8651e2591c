/** Answers to tasks as a store keeps them, and clocks that only move when somebody waits. */
export class StubAnswers {
  readonly #texts = new Map<string, string[]>()
  readonly #waiting = new Set<() => void>()
  /** Milliseconds. */
  time = 0
  /** Waits that ended because the time was over. */
  waits = 0
  isDown = false

  now = (): number => this.time

  /** Time passes when nothing else has happened for a while. */
  pause = async (milliseconds: number, signal?: AbortSignal): Promise<void> => {
    for (let turn = 0; turn < 50 && signal?.aborted !== true; turn++) await new Promise(setImmediate)
    if (signal?.aborted !== true) this.time += milliseconds
  }

  answer = async (task: string, text: string): Promise<void> => {
    if (this.isDown) throw new Error('down')
    this.#texts.set(task, [...(this.#texts.get(task) ?? []), text])
    for (const wake of this.#waiting) wake()
  }

  /** Waits until an answer comes, or nothing is left to do: then the time passes at once. */
  answers = async (task: string, from: number, milliseconds: number): Promise<readonly string[]> => {
    if (this.isDown) throw new Error('down')
    const there = () => (this.#texts.get(task) ?? []).slice(from)
    if (there().length > 0) return there()
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#waiting.delete(wake)
        resolve()
      }
      this.#waiting.add(wake)
      let turns = 0
      const idle = () => {
        if (!this.#waiting.has(wake)) return
        if (turns++ < 20) return void setImmediate(idle)
        this.time += milliseconds
        this.waits++
        wake()
      }
      idle()
    })
    return there()
  }
}
