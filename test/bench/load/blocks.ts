/** So many stanzas are written at once. */
export const STANZAS_PER_BLOCK = 50
/** At least so many different blocks, so that no cache learns one by heart. */
const LEAST_BLOCKS = 4

export interface Flow {
  readonly from: string
  readonly to: string
  /** Bytes of each stanza. */
  readonly size: number
  /** Different sender JIDs, in turn. */
  readonly senders: number
}

/** Blocks of ready stanzas: every sender the same number of times, all stanzas of exactly `size` bytes. */
export function makeBlocks({ from, to, size, senders }: Flow): readonly Buffer[] {
  const blocks = Math.max(LEAST_BLOCKS, Math.ceil(senders / STANZAS_PER_BLOCK))
  return Array.from({ length: blocks }, (_, block) => {
    const first = block * STANZAS_PER_BLOCK
    const stanzas = Array.from({ length: STANZAS_PER_BLOCK }, (_, turn) => (first + turn) % senders)
    return Buffer.from(stanzas.map((sender) => message(`user${sender}@${from}/resource`, to, size)).join(''))
  })
}

/** A chat message of exactly `size` bytes; throws when it cannot be so small. */
export function message(from: string, to: string, size: number, id = 'abcdef0123'): string {
  const head = `<message from='${from}' to='${to}' type='chat' id='${id}'><body>`
  const end = "</body><request xmlns='urn:xmpp:receipts'/></message>"
  const body = size - head.length - end.length
  if (body < 0) throw new Error(`a message of ${size} bytes is too small for its addresses`)
  return `${head}${TEXT.repeat(Math.ceil(body / TEXT.length)).slice(0, body)}${end}`
}

const TEXT = 'Wherefore art thou, Romeo? Deny thy father and refuse thy name; or if thou wilt not, be but sworn. '
