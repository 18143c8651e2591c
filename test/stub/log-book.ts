import type { LogCode } from '../../src/log-codes.ts'

export interface LogLine {
  readonly code: LogCode
  readonly level: string
  readonly [field: string]: unknown
}

interface Waiter {
  readonly look: () => void
  readonly fail: (reason: string) => void
}

/** What a gateway has logged, and those who wait for it to log something. A destination for pino. */
export class LogBook {
  readonly #lines: LogLine[] = []
  readonly #waiters = new Set<Waiter>()
  #closed: string | undefined

  write(line: string): void {
    this.#lines.push(JSON.parse(line))
    for (const waiter of [...this.#waiters]) waiter.look()
  }

  /** Nothing more will come. */
  close(reason: string): void {
    this.#closed = reason
    for (const waiter of [...this.#waiters]) waiter.fail(reason)
  }

  /** All that was logged so far. */
  get text(): string {
    return this.#lines.map((line) => JSON.stringify(line)).join('\n')
  }

  /** All lines so far of this code, with these fields. */
  all(code: LogCode, fields: Readonly<Record<string, unknown>> = {}): readonly LogLine[] {
    const wanted = Object.entries(fields)
    return this.#lines.filter((line) => line.code === code && wanted.every(([name, value]) => line[name] === value))
  }

  /** The nth (first) line of this code with these fields, past or to come. Rejects when the gateway ends before. */
  waitFor(code: LogCode, fields: Readonly<Record<string, unknown>> = {}, nth = 1): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        look: () => {
          const line = this.all(code, fields)[nth - 1]
          if (line === undefined) return
          this.#waiters.delete(waiter)
          resolve(line)
        },
        fail: (reason) => {
          this.#waiters.delete(waiter)
          reject(new Error(`'${code}' was not logged: ${reason}`))
        },
      }
      this.#waiters.add(waiter)
      waiter.look()
      if (this.#closed !== undefined) waiter.fail(this.#closed)
    })
  }
}
