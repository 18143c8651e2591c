/** The columns of one attribute in `TagScanner.attributes`; offsets count from the source's origin. */
export const Column = {
  nameStart: 0,
  nameEnd: 1,
  /** Offset of the colon, or -1. */
  colon: 2,
  valueStart: 3,
  valueEnd: 4,
  /** Bits of `Value`. */
  flags: 5,
} as const
export const COLUMNS = 6

/** What a value holds beside plain characters. */
export const Value = {
  reference: 1,
  /** A reference that could be spelled plainly, or by a name: a number, or an escape that this place does not need. */
  reducible: 2,
  /** A literal tab or line end: a parser reports a space, a lax one does not. */
  space: 4,
} as const
