import type { Socket } from 'node:net'
import { confirmation } from './component.ts'

const END = Buffer.from('</message>')
const BARRIER = Buffer.from("id='sy.")
/** Longer than an end tag or a barrier's id, so that one which two chunks share lies in the two ends together. */
const MARGIN = 24

/**
 * A receiver that does as little as one can: it counts end tags, and where it is asked by Switchyard's barriers (pings
 * with reserved ids) it answers the last one of each chunk, which confirms those before it.
 */
export class Sink {
  stanzas = 0
  bytes = 0
  readonly #socket: Socket
  readonly #domain: string
  #tail = ''

  constructor(socket: Socket, domain: string) {
    this.#socket = socket
    this.#domain = domain
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.resume()
  }

  #read(chunk: Buffer): void {
    this.bytes += chunk.length
    const seam = this.#tail + chunk.toString('latin1', 0, MARGIN)
    this.#countEnds(chunk, seam)
    const barrier = lastBarrier(chunk) ?? barrierIn(seam)
    if (barrier !== undefined) this.#socket.write(confirmation(this.#domain, `sy.${barrier}`))
    this.#tail = (chunk.length >= MARGIN ? '' : this.#tail)
      .concat(chunk.toString('latin1', Math.max(0, chunk.length - MARGIN)))
      .slice(-MARGIN)
  }

  #countEnds(chunk: Buffer, seam: string): void {
    const tail = this.#tail.length
    const shared = seam.indexOf('</message>', Math.max(0, tail - END.length + 1))
    if (shared >= 0 && shared < tail) this.stanzas++
    for (let at = chunk.indexOf(END); at >= 0; at = chunk.indexOf(END, at + END.length)) this.stanzas++
  }
}

function lastBarrier(chunk: Buffer): string | undefined {
  let last = -1
  for (let at = chunk.indexOf(BARRIER); at >= 0; at = chunk.indexOf(BARRIER, at + BARRIER.length)) last = at
  if (last < 0) return undefined
  return barrierIn(chunk.toString('latin1', last, last + MARGIN))
}

/** Undefined for none, and for one that is not whole yet. */
function barrierIn(text: string): string | undefined {
  return /id='sy\.(\d+)'/.exec(text)?.[1]
}
