import { classOf, DOT, IN_DOMAIN, IN_LOCAL, IN_RESOURCE, SIGN, SLASH } from './bytes'
import { AT_FROM, AT_ID, AT_TO, AT_TYPE, record } from './state'

// As `Type` in head.ts, which has names for the others.
const OTHER_TYPE: i32 = 1

// As `Form` in head.ts.
const OTHER_FORM: i32 = 0
const BARE_FORM: i32 = 1
const FULL_FORM: i32 = 3
/** As `maxPartBytes` in jid.ts. */
const MOST_PART_BYTES: i32 = 1023

/** An attribute of a stanza's opening tag: kept when routing reads it. */
export function note(name: i32, length: i32, start: i32, end: i32): void {
  if (length === 2) {
    const letters: i32 = load<u16>(name)
    if (letters === 0x6f74) address(AT_TO, start, end)
    else if (letters === 0x6469) range(AT_ID, start, end)
  } else if (length === 4) {
    const letters = load<u32>(name)
    if (letters === 0x6d6f7266) address(AT_FROM, start, end)
    else if (letters === 0x65707974) store<i32>(record, typeOf(start, end - start), AT_TYPE)
  }
}

function range(at: i32, start: i32, end: i32): void {
  store<i32>(record + at, start)
  store<i32>(record + at, end, 4)
}

/** A JID's parts, as `domainStart`, `bareEnd` and `isPlain` in jid.ts find them. */
function address(field: i32, start: i32, end: i32): void {
  range(field, start, end)
  const sign = part(start, end)
  const hasLocal = sign < end && load<u8>(sign) === SIGN
  const domain = hasLocal ? sign + 1 : start
  const bare = hasLocal ? slash(domain, end) : sign
  store<i32>(record + field, domain, 8)
  store<i32>(record + field, bare, 12)
  let form = OTHER_FORM
  if ((!hasLocal || isPart(start, sign, IN_LOCAL)) && isPart(domain, bare, IN_DOMAIN) && load<u8>(bare - 1) !== DOT) {
    form = bare === end || isPart(bare + 1, end, IN_RESOURCE) ? FULL_FORM : BARE_FORM
  }
  store<i32>(record + field, form, 16)
}

/** Whether all bytes are of a class, and neither too few nor too many. */
function isPart(start: i32, end: i32, common: i32): bool {
  let bits = common
  for (let at = start; at < end; at++) bits &= classOf(at)
  return bits !== 0 && end > start && end - start <= MOST_PART_BYTES
}

/** Where the first `@` or `/` is, or `end`. */
function part(from: i32, end: i32): i32 {
  let at = from
  while (at < end && load<u8>(at) !== SIGN && load<u8>(at) !== SLASH) at++
  return at
}

/** Where the first `/` is, or `end`. */
function slash(from: i32, end: i32): i32 {
  let at = from
  while (at < end && load<u8>(at) !== SLASH) at++
  return at
}

/** As `Type` in head.ts. */
function typeOf(at: i32, length: i32): i32 {
  const word = load<u64>(at)
  if (length < 8) return shortType(word & (((<u64>1) << (length << 3)) - 1))
  if (length === 8) return shortType(word)
  if (length > 12) return OTHER_TYPE
  return longType(word, load<u32>(at + 8) & (((<u64>1) << ((length - 8) << 3)) - 1))
}

/** One of nine to twelve letters, those behind the eighth in `last`. */
function longType(word: u64, last: u64): i32 {
  if (word === 0x61686370756f7267) return last === 0x74 ? 7 : OTHER_TYPE // groupchat
  if (word === 0x616c696176616e75) return last === 0x656c62 ? 10 : OTHER_TYPE // unavailable
  if (word === 0x6269726373627573) return last === 0x65 ? 12 : last === 0x6465 ? 13 : OTHER_TYPE // subscribe, subscribed
  if (word !== 0x7263736275736e75) return OTHER_TYPE
  return last === 0x656269 ? 14 : last === 0x64656269 ? 15 : OTHER_TYPE // unsubscribe, unsubscribed
}

/** One of up to eight letters, the others being zero. */
function shortType(word: u64): i32 {
  if (word === 0x74616863) return 6 // chat
  if (word === 0x746c75736572) return 4 // result
  if (word === 0x746567) return 2 // get
  if (word === 0x746573) return 3 // set
  if (word === 0x726f727265) return 5 // error
  if (word === 0x6c616d726f6e) return 9 // normal
  if (word === 0x656e696c64616568) return 8 // headline
  return word === 0x65626f7270 ? 11 : OTHER_TYPE // probe
}
