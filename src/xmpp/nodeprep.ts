import { ranges } from './code-points.ts'
import { foldForKC, stringprep } from './stringprep.ts'

// RFC 3454 tables C.1.2, C.2.2, C.3 to C.9, in code point order, from U+0080 on. Every profile of XMPP prohibits them all.
export const prohibited = [
  [0x80, 0xa0],
  [0x340, 0x341],
  [0x6dd, 0x6dd],
  [0x70f, 0x70f],
  [0x1680, 0x1680],
  [0x180e, 0x180e],
  [0x2000, 0x200f],
  [0x2028, 0x202f],
  [0x205f, 0x2063],
  [0x206a, 0x206f],
  [0x2ff0, 0x2ffb],
  [0x3000, 0x3000],
  [0xd800, 0xf8ff],
  [0xfdd0, 0xfdef],
  [0xfeff, 0xfeff],
  [0xfff9, 0xffff],
  [0x1_d173, 0x1_d17a],
  [0x1_fffe, 0x1_ffff],
  [0x2_fffe, 0x2_ffff],
  [0x3_fffe, 0x3_ffff],
  [0x4_fffe, 0x4_ffff],
  [0x5_fffe, 0x5_ffff],
  [0x6_fffe, 0x6_ffff],
  [0x7_fffe, 0x7_ffff],
  [0x8_fffe, 0x8_ffff],
  [0x9_fffe, 0x9_ffff],
  [0xa_fffe, 0xa_ffff],
  [0xb_fffe, 0xb_ffff],
  [0xc_fffe, 0xc_ffff],
  [0xd_fffe, 0xd_ffff],
  [0xe_0001, 0xe_0001],
  [0xe_0020, 0xe_007f],
  [0xe_fffe, 0xe_ffff],
  [0xf_0000, 0x10_ffff],
] as const

// Tables C.1.1 and C.2.1 and RFC 3920 §A.5: the space, controls, and " & ' / : < > @.
export const nodeProhibited = ranges(
  [0x00, 0x20],
  [0x22, 0x22],
  [0x26, 0x27],
  [0x2f, 0x2f],
  [0x3a, 0x3a],
  [0x3c, 0x3c],
  [0x3e, 0x3e],
  [0x40, 0x40],
  [0x7f, 0x7f],
  ...prohibited,
)

// Nameprep prohibits no ASCII (RFC 3491 §5). These cannot stand in a JID's domain all the same; the colon can ([::1]).
const nameProhibited = ranges(
  [0x00, 0x20],
  [0x22, 0x22],
  [0x26, 0x27],
  [0x2f, 0x2f],
  [0x3c, 0x3c],
  [0x3e, 0x3e],
  [0x40, 0x40],
  [0x7f, 0x7f],
  ...prohibited,
)

/** A localpart by nodeprep (RFC 3920 appendix A); undefined when it is prohibited. May give the empty string. */
export function nodeprep(local: string): string | undefined {
  return stringprep(local, nodeProhibited, foldForKC)
}

/**
 * A domain by nameprep (RFC 3491), label separators as `.` (RFC 3490 §3.1). A-labels (`xn--`) stay as they are, as
 * in the servers that know no IDNA: what is plain ASCII must be its own normal form.
 */
export function nameprep(domain: string): string | undefined {
  return stringprep(domain.replace(/[\u3002\uff0e\uff61]/g, '.'), nameProhibited, foldForKC)
}
