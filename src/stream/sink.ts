import type { Slab } from './queue.ts'

/** What an outbox needs of a socket; `net.Socket` and `tls.TLSSocket` have it. */
export interface Sink {
  readonly writableLength: number
  /** A socket pays no heed to `slab`, which `bytes` is of. */
  write(bytes: Buffer, written: (error?: Error | null) => void, slab: Slab): boolean
  cork(): void
  uncork(): void
}
