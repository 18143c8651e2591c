import { Command, Redis } from 'ioredis'
import type { Client } from './redis-client.ts'

/** What the client writes to. */
interface Corkable {
  cork(): void
  uncork(): void
  write(bytes: Buffer): boolean
}

/** A command that leaves with all others of this turn of the event loop, in one system call. */
class Together extends Command {
  override toWritable(socket: object): string | Buffer {
    corked(socket)
    return super.toWritable(socket)
  }
}

function corked(socket: object): Corkable {
  const stream = socket as Corkable
  stream.cork()
  queueMicrotask(() => stream.uncork())
  return stream
}

/** The fields of an entry in an inbox: one. */
const FIELD = 'b'
const NEWLINE = '\r\n'

/**
 * XADD of one entry, which is not copied on its way to the socket: the client's own encoding copies what is binary, and
 * a transaction of the client copies all of it once more.
 */
class Append extends Command {
  readonly #key: string
  readonly #entry: Buffer

  constructor(key: string, entry: Buffer) {
    super('xadd', [key, 'NOMKSTREAM', '*', FIELD, entry], { replyEncoding: 'latin1' })
    this.#key = key
    this.#entry = entry
  }

  override toWritable(socket: object): string | Buffer {
    const stream = corked(socket)
    const parts = ['XADD', this.#key, 'NOMKSTREAM', '*', FIELD]
    const text = parts.map((part) => `$${Buffer.byteLength(part)}${NEWLINE}${part}${NEWLINE}`).join('')
    stream.write(Buffer.from(`*${parts.length + 1}${NEWLINE}${text}$${this.#entry.length}${NEWLINE}`))
    stream.write(this.#entry)
    return NEWLINE
  }
}

/**
 * Appends entries to a stream, if it exists: all of them or none, even if the stream is made meanwhile, or the connection
 * breaks. Resolves with whether it exists.
 */
export async function appendAll(client: Client, key: string, entries: readonly Buffer[]): Promise<boolean> {
  const [first] = entries
  if (first === undefined) return true
  if (entries.length === 1) return (await client.sendCommand(new Append(key, first))) !== null
  // The cluster's client has to know of a transaction as a whole where it is to go.
  const results = client instanceof Redis ? await transact(client, key, entries) : await pipelined(client, key, entries)
  return results.length > 0 && results[0] !== null
}

async function transact(client: Redis, key: string, entries: readonly Buffer[]): Promise<readonly unknown[]> {
  const commands = [new Together('multi'), ...entries.map((entry) => new Append(key, entry)), new Together('exec')]
  const replies = await Promise.all(commands.map((command) => client.sendCommand(command)))
  const results = (replies.at(-1) ?? []) as unknown[]
  for (const result of results) if (result instanceof Error) throw result
  return results
}

async function pipelined(client: Client, key: string, entries: readonly Buffer[]): Promise<readonly unknown[]> {
  const transaction = client.multi()
  for (const entry of entries) transaction.xaddBuffer(key, 'NOMKSTREAM', '*', FIELD, entry)
  const results = (await transaction.exec()) ?? []
  for (const [error] of results) if (error !== null) throw error
  return results.map(([, result]) => result)
}
