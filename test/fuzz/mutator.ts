import type { Dice } from './generator.ts'

const DIGITS = /\d+/g
const NUMBERS = [
  '0',
  '1',
  '-1',
  '127',
  '255',
  '256',
  '65535',
  '65536',
  '2147483648',
  '4294967296',
  '1e999',
  '00',
  '9'.repeat(20),
]
const BYTES = [0, 1, 9, 10, 13, 32, 0x7f, 0x80, 0xbf, 0xc0, 0xe2, 0xed, 0xf0, 0xfe, 0xff]

/** Changes inputs: bytes, tokens of the format, parts of other inputs. */
export class Mutator {
  readonly #dice: Dice
  readonly #tokens: readonly Buffer[]
  readonly #mostBytes: number

  constructor(dice: Dice, tokens: readonly string[], mostBytes: number) {
    this.#dice = dice
    this.#tokens = tokens.map((token) => Buffer.from(token, 'latin1'))
    this.#mostBytes = mostBytes
  }

  /** @param other an input to take parts of */
  mutate(input: Buffer, other: Buffer): Buffer {
    let changed = input
    for (let n = 1 + (this.#dice.chance(0.5) ? 0 : this.#dice.below(6)); n > 0; n--)
      changed = this.#once(changed, other)
    return changed.subarray(0, this.#mostBytes)
  }

  #once(input: Buffer, other: Buffer): Buffer {
    const dice = this.#dice
    const [from, to] = this.#range(input)
    switch (dice.below(10)) {
      case 0:
        return this.#put(input, from, to, Buffer.alloc(0))
      case 1:
        return this.#flip(input, from)
      case 2:
        return this.#put(input, from, from + dice.below(2), Buffer.from([dice.pick(BYTES)]))
      case 3:
        return this.#put(input, from, from, input.subarray(from, to))
      case 4:
        return this.#repeat(input, from, to)
      case 5:
        return this.#number(input)
      case 6:
        return this.#put(input, from, to, other.subarray(...this.#range(other)))
      case 7:
        return Buffer.concat([input.subarray(0, from), other.subarray(dice.below(other.length + 1))])
      default:
        return this.#put(input, from, dice.chance(0.5) ? from : to, this.#token())
    }
  }

  #token(): Buffer {
    return this.#tokens.length === 0 ? Buffer.from([this.#dice.below(256)]) : this.#dice.pick(this.#tokens)
  }

  /** Mostly a short one. */
  #range(input: Buffer): [number, number] {
    const from = this.#dice.below(input.length + 1)
    const most = this.#dice.chance(0.7) ? 8 : input.length
    return [from, Math.min(input.length, from + this.#dice.below(most + 1))]
  }

  #put(input: Buffer, from: number, to: number, middle: Buffer): Buffer {
    return Buffer.concat([input.subarray(0, from), middle, input.subarray(to)])
  }

  #flip(input: Buffer, at: number): Buffer {
    const flipped = Buffer.from(input)
    if (at < flipped.length) flipped[at] = (flipped[at] as number) ^ (1 << this.#dice.below(8))
    return flipped
  }

  #repeat(input: Buffer, from: number, to: number): Buffer {
    const times = 2 ** this.#dice.below(8)
    const part = input.subarray(from, to)
    if (part.length * times > this.#mostBytes) return input
    return this.#put(input, from, from, Buffer.concat(Array.from({ length: times }, () => part)))
  }

  #number(input: Buffer): Buffer {
    const found = [...input.toString('latin1').matchAll(DIGITS)]
    if (found.length === 0) return this.#flip(input, this.#dice.below(input.length + 1))
    const { index, 0: digits } = this.#dice.pick(found)
    return this.#put(input, index, index + digits.length, Buffer.from(this.#dice.pick(NUMBERS)))
  }
}
