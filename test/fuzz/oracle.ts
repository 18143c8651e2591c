import { Python } from './python.ts'

/** What expat makes of a document: an error condition, or whether the stream is closed, and the elements before that. */
export type Verdict = readonly [what: string, elements: number]

const JUDGE = Buffer.from('J')
const INFOSET = Buffer.from('I')

/** Answers for expat; requests are answered in order. */
export class Oracle {
  readonly #python = new Python('oracle.py')

  judge(document: Buffer): Promise<Verdict> {
    return this.#python.ask(JUDGE, document) as Promise<Verdict>
  }

  /** The first-level elements of a whole stream, as nested arrays; compare them deeply. */
  infoset(document: Buffer): Promise<unknown> {
    return this.#python.ask(INFOSET, document)
  }

  close(): Promise<void> {
    return this.#python.close()
  }
}
