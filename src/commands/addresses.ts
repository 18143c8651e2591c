import { SwitchyardError } from '../errors.ts'
import { escapeForLog } from '../log.ts'
import { type Jid, normalise } from '../xmpp/jid.ts'

/** A JID that somebody typed. Throws `input-refused`; `what` says which one it is. */
export function typedJid(what: string, text: string): Jid {
  const jid = normalise(text)
  if (jid === undefined) throw new SwitchyardError('input-refused', `${what}: '${escapeForLog(text)}' is no JID`)
  return jid
}
