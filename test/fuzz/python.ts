import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A long-lived python process that answers requests in order; both ways they are records as records.py has them. */
export class Python {
  readonly #process: ChildProcess
  readonly #waiting: ((answer: unknown) => void)[] = []
  /** Not written yet: a write for each would cost more than what it asks. */
  #requests: Buffer[] = []
  #received: Buffer = Buffer.alloc(0)

  constructor(script: string, python = 'python3') {
    const path = new URL(script, import.meta.url).pathname
    this.#process = spawn(python, [path], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#receive(chunk))
  }

  /** What the request, the pieces one after the other, is answered with, read from JSON. */
  ask(...pieces: readonly Buffer[]): Promise<unknown> {
    const size = Buffer.alloc(4)
    size.writeUInt32BE(pieces.reduce((sum, piece) => sum + piece.length, 0))
    if (this.#requests.length === 0) queueMicrotask(() => this.#write())
    this.#requests.push(size, ...pieces)
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  async close(): Promise<void> {
    this.#process.stdin?.end()
    if (this.#process.exitCode === null) await once(this.#process, 'exit')
  }

  #write(): void {
    this.#process.stdin?.write(Buffer.concat(this.#requests))
    this.#requests = []
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    let at = 0
    while (this.#received.length - at >= 4) {
      const end = at + 4 + this.#received.readUInt32BE(at)
      if (this.#received.length < end) break
      const answer: unknown = JSON.parse(this.#received.toString('utf8', at + 4, end))
      at = end
      this.#waiting.shift()?.(answer)
    }
    this.#received = this.#received.subarray(at)
  }
}
