import { ranges } from './code-points.ts'
import { type Jid, type Preparation, prepared } from './jid.ts'
import { nodeProhibited, prohibited } from './nodeprep.ts'
import { foldForKC, stringprep } from './stringprep.ts'

// RFC 3491 §5 prohibits no ASCII, and RFC 3920 §B.5 of ASCII only the controls (C.2.1).
const nameProhibited = ranges(...prohibited)
const resourceProhibited = ranges([0x00, 0x1f], [0x7f, 0x7f], ...prohibited)

/**
 * A JID's parts as ejabberd keeps and hashes them; undefined where it is no JID. They differ from `normalise`'s in that
 * the resource is prepared too (RFC 3920 appendix B), and the domain by nameprep alone: what ends with a dot, or has an
 * ideographic one, is another domain there. ejabberd refuses a code point that Unicode 3.2 did not assign; here it passes.
 * Where three or more combining marks follow each other out of order, ejabberd's library composes them otherwise.
 */
export function ejabberdForm(jid: string): Jid | undefined {
  return prepared(jid, preparation)
}

const preparation: Preparation = {
  local: (text: string) => stringprep(text, nodeProhibited, fold),
  domain: (text: string) => stringprep(text, nameProhibited, fold),
  resource: (text: string) => stringprep(text, resourceProhibited, (character) => character),
}

/** Table B.2 with the one slip of p1_stringprep: in U+33C6, which is `C∕kg` in KC, it leaves the capital. */
function fold(character: string): string {
  return character === '\u33c6' ? character : foldForKC(character)
}
