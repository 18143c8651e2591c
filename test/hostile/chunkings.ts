/** Inputs up to so many bytes are cut at every place there is. */
const SHORT = 128
/** Of inputs above this many bytes so many at each end are sent one by one, and those between as a network has them. */
const LARGE = 64 * 1024
const ENDS = 4096

export interface Chunking {
  readonly name: string
  readonly chunks: readonly Buffer[]
}

function pieces(bytes: Buffer, size: number): readonly Buffer[] {
  const all: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) all.push(bytes.subarray(at, at + size))
  return all
}

function singly(bytes: Buffer): readonly Buffer[] {
  if (bytes.length <= LARGE) return pieces(bytes, 1)
  const [first, last] = [bytes.subarray(0, ENDS), bytes.subarray(-ENDS)]
  return [...pieces(first, 1), ...pieces(bytes.subarray(ENDS, -ENDS), 1460), ...pieces(last, 1)]
}

/**
 * The five ways to cut an input: whole, byte by byte, in two at every place where it is short, by 16 and by 1460 bytes.
 * `behind` follows in the same stream; it is not cut of itself.
 */
export function chunkings(bytes: Buffer, behind: Buffer): readonly Chunking[] {
  const all = Buffer.concat([bytes, behind])
  const splits = bytes.length > SHORT ? [] : Array.from({ length: bytes.length - 1 }, (_, i) => i + 1)
  return [
    { name: 'whole', chunks: [all] },
    { name: 'byte by byte', chunks: [...singly(bytes), ...pieces(behind, 1)] },
    ...splits.map((at) => ({ name: `cut at ${at}`, chunks: [all.subarray(0, at), all.subarray(at)] })),
    { name: '16 bytes at a time', chunks: pieces(all, 16) },
    { name: '1460 bytes at a time', chunks: pieces(all, 1460) },
  ]
}
