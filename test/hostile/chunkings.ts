/** Inputs up to so many bytes are cut at every place there is. */
const SHORT = 128

export interface Chunking {
  readonly name: string
  readonly chunks: readonly Buffer[]
}

function pieces(bytes: Buffer, size: number): readonly Buffer[] {
  const all: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) all.push(bytes.subarray(at, at + size))
  return all
}

/** The five ways to cut an input: whole, byte by byte, in two at every place where it is short, by 16 and by 1460 bytes. */
export function chunkings(bytes: Buffer): readonly Chunking[] {
  const splits = bytes.length > SHORT ? [] : Array.from({ length: bytes.length - 1 }, (_, i) => i + 1)
  return [
    { name: 'whole', chunks: [bytes] },
    { name: 'byte by byte', chunks: pieces(bytes, 1) },
    ...splits.map((at) => ({ name: `cut at ${at}`, chunks: [bytes.subarray(0, at), bytes.subarray(at)] })),
    { name: '16 bytes at a time', chunks: pieces(bytes, 16) },
    { name: '1460 bytes at a time', chunks: pieces(bytes, 1460) },
  ]
}
