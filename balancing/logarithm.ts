/** Steps of the table between one power of two and the next, as a power of two. */
const stepBits = 12
const steps = 2 ** stepBits
/** The unit of what is given out: 2^-32. */
const one = 0x1_0000_0000
/** Fractional bits of what is squared: the square of a number below 2 has to fit the 53 bits of a double. */
const squared = 2 ** 25

/** log2(1 + index / steps) in units of 2^-32, made when first asked for. */
let table: Float64Array | undefined

/**
 * -log2((hash + 1) / 2^32) of a 32-bit hash, in units of 2^-32: an integer from 0 to 2^37, never greater for a greater
 * hash, and right to within 2^-24. `Math.log` may differ in its last bit from one engine to the next; here are only
 * integers below 2^53, for which IEEE 754 leaves no choice, so all nodes have the same.
 */
export function negativeLog2(hash: number): number {
  if (hash === 0xffffffff) return 0
  table ??= makeTable()
  const value = hash + 1
  const exponent = 31 - Math.clz32(value)
  const mantissa = value * 2 ** (32 - exponent) - one
  const index = Math.floor(mantissa / 2 ** (32 - stepBits))
  const rest = mantissa - index * 2 ** (32 - stepBits)
  const low = table[index] as number
  const high = table[index + 1] as number
  return (32 - exponent) * one - low - Math.floor(((high - low) * rest) / 2 ** (32 - stepBits))
}

function makeTable(): Float64Array {
  const made = new Float64Array(steps + 1)
  for (let index = 1; index < steps; index++) made[index] = binaryLog(squared + (index * squared) / steps)
  made[steps] = one
  return made
}

/** log2(value / squared) of a number from 1 to 2, bit by bit: each squaring doubles the logarithm. */
function binaryLog(value: number): number {
  let bits = 0
  let current = value
  for (let bit = 0; bit < 32; bit++) {
    current = Math.floor((current * current) / squared)
    bits *= 2
    if (current >= 2 * squared) {
      bits++
      current = Math.floor(current / 2)
    }
  }
  return bits
}
