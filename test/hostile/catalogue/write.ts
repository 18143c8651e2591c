/** Who sends and who gets what the cases hold: the same names at a listener and on a link, whose domain is `other.test`. */
export const FROM = "from='a@plays.test/r'"
export const TO = "to='b@other.test'"

export const streams = 'http://etherx.jabber.org/streams'
export const component = 'jabber:component:accept'

/** A stream's opening tag; `attributes` stand before its prefix. */
export const head = (attributes: string): string => `<stream:stream ${attributes} xmlns:stream='${streams}'>`
/** That of a component, as nearly all write it. */
export const componentHeader = (to: string): string => `<?xml version='1.0'?>${head(`xmlns='${component}' to='${to}'`)}`
/** That of a server. */
export const serverHeader = (id: string): string =>
  `<?xml version='1.0'?>${head(`xmlns='${component}' from='other.test' id='${id}'`)}`

export const message = (inside: string, attributes = ''): string =>
  `<message ${FROM} ${TO}${attributes}><body>${inside}</body></message>`
/** The same without a body around what is inside. */
export const bare = (inside: string, attributes = ''): string =>
  `<message ${FROM} ${TO}${attributes}>${inside}</message>`
export const iq = (attributes: string, inside = "<ping xmlns='urn:xmpp:ping'/>"): string =>
  `<iq ${FROM} ${TO} ${attributes}>${inside}</iq>`
export const from = (address: string): string => `<message from='${address}' ${TO}/>`
export const to = (address: string): string => `<message ${FROM} to='${address}'/>`

export const nested = (depth: number): string => '<x>'.repeat(depth) + '</x>'.repeat(depth)
export const many = (count: number, each: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => each(index)).join('')
/** A message that holds bytes, which may be no UTF-8. */
export const withBytes = (hex: string, around: (inside: string) => string = message): Buffer => {
  const [before = '', after = ''] = around('\u0001').split('\u0001')
  return Buffer.concat([Buffer.from(before), Buffer.from(hex, 'hex'), Buffer.from(after)])
}
