/** A set of code points: ascending bounds, a range's first and then the first behind it, in turn. */
export type Ranges = Uint32Array

/** Bounds written as differences in base 36, a space between them. */
export function unpack(packed: string): Ranges {
  let bound = 0
  return Uint32Array.from(packed.split(' '), (step) => {
    bound += Number.parseInt(step, 36)
    return bound
  })
}

/** Inclusive pairs `[first, last]`, ascending and apart, as they stand in RFC 3454. */
export function ranges(...pairs: readonly (readonly [first: number, last: number])[]): Ranges {
  return Uint32Array.from(pairs.flatMap(([first, last]) => [first, last + 1]))
}

/** Whether the code point is in the set: the number of bounds at or below it is odd. */
export function has(set: Ranges, point: number): boolean {
  let low = 0
  let high = set.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((set[middle] ?? 0) <= point) low = middle + 1
    else high = middle
  }
  return (low & 1) === 1
}
