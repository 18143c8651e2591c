/** Cuts a stream after each `end`; what is not whole yet waits for the next chunk. For ASCII stanzas, one kind at a time. */
export class Splitter {
  readonly #end: string
  #rest = ''

  constructor(end: string) {
    this.#end = end
  }

  push(chunk: Buffer): readonly string[] {
    const parts = (this.#rest + chunk.toString('latin1')).split(this.#end)
    this.#rest = parts.pop() ?? ''
    return parts
  }
}
