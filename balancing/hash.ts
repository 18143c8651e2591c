const c1 = 0xcc9e2d51
const c2 = 0x1b873593

/**
 * MurmurHash3_x86_32 of the bytes `[start, end)`, as an unsigned 32-bit number. Nothing is copied or allocated.
 * The values are a contract (README.md): they say which bucket a key has, on every node and in every release.
 */
export function murmur3(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  let hash = seed | 0
  const blocksEnd = end - ((end - start) & 3)
  let at = start
  for (; at < blocksEnd; at += 4) {
    const block =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)
    hash ^= scramble(block)
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let last = end - 1; last >= at; last--) tail = (tail << 8) | (bytes[last] as number)
  // An empty tail scrambles to 0, which changes nothing.
  return mix(hash ^ scramble(tail) ^ (end - start))
}

function scramble(block: number): number {
  const product = Math.imul(block, c1)
  return Math.imul((product << 15) | (product >>> 17), c2)
}

/** Murmur3's finaliser: a bijection of 32-bit numbers in which every bit of the input stirs every bit of the output. */
export function mix(value: number): number {
  let mixed = value ^ (value >>> 16)
  mixed = Math.imul(mixed, 0x85ebca6b)
  mixed ^= mixed >>> 13
  mixed = Math.imul(mixed, 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** `murmur3` of a string's UTF-8 bytes. Not for the stanza path. */
export function hashText(text: string, seed = 0): number {
  const bytes = new TextEncoder().encode(text)
  return murmur3(bytes, 0, bytes.length, seed)
}
