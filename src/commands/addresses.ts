import { SwitchyardError } from '../errors.ts'
import { escapeForLog } from '../log.ts'
import { fullText, type Jid, normalise } from '../xmpp/jid.ts'

/** A JID that somebody typed. Throws `input-refused`; `what` says which one it is. */
export function typedJid(what: string, text: string): Jid {
  const jid = normalise(text)
  if (jid === undefined) throw new SwitchyardError('input-refused', `${what}: '${escapeForLog(text)}' is no JID`)
  return jid
}

/** A full JID in normal form, as text; undefined when it is none. */
export function normalText(jid: string): string | undefined {
  const parts = normalise(jid)
  return parts && fullText(parts)
}
