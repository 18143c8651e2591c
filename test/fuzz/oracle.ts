import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** What expat makes of a document: an error condition, or whether the stream is closed, and the elements before that. */
export type Verdict = readonly [what: string, elements: number]

/** A python process that answers for expat; requests are answered in order. */
export class Oracle {
  readonly #process: ChildProcess
  readonly #waiting: ((answer: unknown) => void)[] = []
  /** Not written yet: a write for each would cost more than what it asks. */
  #requests: Buffer[] = []
  #received: Buffer = Buffer.alloc(0)

  constructor() {
    const script = new URL('oracle.py', import.meta.url).pathname
    this.#process = spawn('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#process.stdout?.on('data', (chunk: Buffer) => this.#receive(chunk))
  }

  judge(document: Buffer): Promise<Verdict> {
    return this.#ask('J', document) as Promise<Verdict>
  }

  /** The first-level elements of a whole stream, as nested arrays; compare them deeply. */
  infoset(document: Buffer): Promise<unknown> {
    return this.#ask('I', document)
  }

  async close(): Promise<void> {
    this.#process.stdin?.end()
    if (this.#process.exitCode === null) await once(this.#process, 'exit')
  }

  #ask(what: string, document: Buffer): Promise<unknown> {
    const size = Buffer.alloc(5, what)
    size.writeUInt32BE(document.length + 1)
    size.write(what, 4)
    if (this.#requests.length === 0) queueMicrotask(() => this.#write())
    this.#requests.push(size, document)
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
    })
  }

  #write(): void {
    this.#process.stdin?.write(Buffer.concat(this.#requests))
    this.#requests = []
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readUInt32BE(0)
      if (this.#received.length < end) return
      const answer: unknown = JSON.parse(this.#received.toString('utf8', 4, end))
      this.#received = this.#received.subarray(end)
      this.#waiting.shift()?.(answer)
    }
  }
}
