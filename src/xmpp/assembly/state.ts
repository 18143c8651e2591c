/** What a scan keeps in memory and in variables, and what it returns where it can not go on. */

/** Returned instead of a position. No position is that low. */
export const CUT: i32 = 0
export const DEFER: i32 = -1

/** Records: of `RECORD` bytes each; offsets into one follow. All positions are addresses in this memory. */
export const MOST_RECORDS: i32 = 256
export const RECORD: i32 = 72
export const AT_START: i32 = 0
export const AT_END: i32 = 4
export const AT_TAG_END: i32 = 8
export const AT_KIND: i32 = 12
export const AT_TYPE: i32 = 16
export const AT_ID: i32 = 20
export const AT_CHILDREN: i32 = 28
/** An address: its range, where its domain begins, where the bare one ends, and its form. */
export const AT_FROM: i32 = 32
export const AT_TO: i32 = 52

export const MOST_DEPTH: i32 = 128
/** Bytes of a row of `levels`. */
export const LEVEL: i32 = 12
export const MOST_ATTRIBUTES: i32 = 16
/** Bytes of a row of `attributes`. */
export const ATTRIBUTE: i32 = 8

export const records: usize = memory.data(MOST_RECORDS * RECORD, 16)
/** Per open element: where its name begins, its length, and the namespace declarations in force. */
export const levels: usize = memory.data(MOST_DEPTH * LEVEL, 16)
/** Per attribute of the tag in progress: where its name begins, and its length. */
export const attributes: usize = memory.data(MOST_ATTRIBUTES * ATTRIBUTE, 16)

export let mostBytes: i32 = 0
export let mostDepth: i32 = 0
export let mostElements: i32 = 0
export let mostAttributes: i32 = 0
export let mostDeclared: i32 = 0

/** The limits in force from now on. Those of depth and attributes may be lower here, but never higher. */
export function limit(bytes: i32, depth: i32, elements: i32, attributes: i32, namespaces: i32): void {
  mostBytes = bytes
  mostDepth = min(depth, MOST_DEPTH)
  mostElements = elements
  mostAttributes = min(attributes, MOST_ATTRIBUTES)
  mostDeclared = namespaces
}

/** The end of the input. */
export let stop: i32 = 0
/** The record in progress. */
export let record: i32 = 0

export function beginInput(end: i32): void {
  stop = end
}

export function beginRecord(index: i32): void {
  record = <i32>records + index * RECORD
}

/** CUT where the input ends, which a byte of zero says; else DEFER. */
export function unclear(at: i32): i32 {
  return at >= stop ? CUT : DEFER
}
