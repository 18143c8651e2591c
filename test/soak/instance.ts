import { ComponentStream } from '../chaos/component.ts'
import type { Stanza } from '../chaos/scan.ts'
import { ASKED, NS, SECRET, USERS } from '../chaos/wire.ts'
import type { Questions, Tally } from './tally.ts'

export interface SoakInstanceOptions {
  readonly name: string
  readonly domain: string
  /** The node that it connects to, in each of its lives. */
  readonly node: number
  readonly port: number
  /** Between two requests to the users, in milliseconds. */
  readonly askEvery: number
  readonly tally: Tally
  readonly questions: Questions
}

const REDIAL_MS = 300

/**
 * An instance in this process: it answers what it is asked, asks the users now and then, and comes back when its stream
 * has ended. A socket that goes with a reset, and one that nobody reads, are to a node what a killed and a stopped
 * process are.
 */
export class SoakInstance {
  readonly options: SoakInstanceOptions
  /** Streams that ended though no fault had touched them: when, in ISO 8601. */
  readonly unasked: string[] = []
  #stream: ComponentStream | undefined
  #asking: NodeJS.Timeout | undefined
  #redial: NodeJS.Timeout | undefined
  #localPort = 0
  #life = 0
  #asked = 0
  /** Sends one more request over the present stream. */
  #ask: () => void = () => {}
  #isIn = false
  #isTouched = false
  #isHushed = false
  #isOver = false
  #whenIn: (() => void)[] = []
  #whenOut: (() => void)[] = []

  constructor(options: SoakInstanceOptions) {
    this.options = options
  }

  /** In, and touched by no fault. */
  get isWell(): boolean {
    return this.#isIn && !this.#isTouched
  }
  /** From where it is connected. */
  get localPort(): number {
    return this.#localPort
  }

  /** Resolves when it is in for the first time. */
  start(): Promise<void> {
    this.#dial()
    return this.whenIn()
  }

  whenIn(): Promise<void> {
    return this.#isIn ? Promise.resolve() : new Promise((resolve) => this.#whenIn.push(resolve))
  }

  whenOut(): Promise<void> {
    return this.#isIn ? new Promise((resolve) => this.#whenOut.push(resolve)) : Promise.resolve()
  }

  /** Its stream is going to end, and that is no news. */
  touch(): void {
    this.#isTouched = true
  }

  /** As a process that is killed: a TCP reset, and what was not read is gone. */
  kill(): void {
    this.touch()
    this.#stream?.reset()
  }

  /** As a process that is stopped: its socket stays open, and nobody reads it. */
  hang(): void {
    this.touch()
    clearInterval(this.#asking)
    this.#stream?.pause()
  }

  resume(): void {
    this.#stream?.resume()
  }

  /** What touched it did it no harm: where it is in still, it is as it was. */
  recover(): void {
    if (!this.#isIn) return
    this.#isTouched = false
    this.#startAsking()
  }

  /** No more requests, of this life or the next. */
  hush(): void {
    this.#isHushed = true
    clearInterval(this.#asking)
  }

  stop(): void {
    this.#isOver = true
    clearInterval(this.#asking)
    clearTimeout(this.#redial)
    this.#stream?.close()
  }

  #dial(): void {
    const life = { number: ++this.#life }
    const { port, domain } = this.options
    const stream: ComponentStream = new ComponentStream(
      { port, domain, secret: SECRET },
      {
        ready: (localPort) => this.#ready(localPort, stream, life),
        stanza: (stanza) => this.#take(stanza, stream, life),
        ended: () => this.#ended(life),
      },
    )
    this.#stream = stream
  }

  #ready(localPort: number, stream: ComponentStream, life: { readonly number: number }): void {
    this.#localPort = localPort
    this.#isIn = true
    this.#isTouched = false
    this.#ask = () => this.#send(stream, life)
    this.#startAsking()
    for (const tell of this.#whenIn.splice(0)) tell()
  }

  #take({ kind, type, id, from, to, n, child }: Stanza, stream: ComponentStream, life: object): void {
    if (kind === 'iq' && (type === 'result' || type === 'error')) return this.options.questions.answer(id, life)
    if (type === 'error') return
    this.options.tally.deliver(n === '' ? id : n)
    if (kind !== 'iq' || child !== 'q') return
    stream.write(`<iq type='result' id='${id}' from='${to}' to='${from}'><a xmlns='${NS}' n='${n}'/></iq>`)
  }

  #startAsking(): void {
    clearInterval(this.#asking)
    if (!this.#isHushed) this.#asking = setInterval(() => this.#ask(), this.options.askEvery)
  }

  #send(stream: ComponentStream, life: { readonly number: number }): void {
    const { name, domain, questions, node } = this.options
    const id = `${ASKED}${name}.${life.number}.${this.#asked++}`
    questions.ask(id, life)
    const addresses = `from='bot@${domain}' to='u${node}@${USERS}/r'`
    stream.write(`<iq type='get' id='${id}' ${addresses}><q xmlns='${NS}' n='${id}'/></iq>`)
  }

  #ended(life: object): void {
    clearInterval(this.#asking)
    this.options.questions.gone(life)
    if (this.#isIn && !this.#isTouched && !this.#isOver) this.unasked.push(new Date().toISOString())
    this.#isIn = false
    for (const tell of this.#whenOut.splice(0)) tell()
    if (!this.#isOver) this.#redial = setTimeout(() => this.#dial(), REDIAL_MS)
  }
}
