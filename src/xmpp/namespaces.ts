/** XML namespaces that Switchyard itself reads or writes, spelled as their specifications spell them. */
export const ns = {
  component: 'jabber:component:accept', // XEP-0114 §3
  streams: 'http://etherx.jabber.org/streams', // RFC 6120 §4.8.1
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams', // RFC 6120 §4.9.2
  stanzaErrors: 'urn:ietf:params:xml:ns:xmpp-stanzas', // RFC 6120 §8.3.2
  xml: 'http://www.w3.org/XML/1998/namespace',
  xmlns: 'http://www.w3.org/2000/xmlns/',
  discoInfo: 'http://jabber.org/protocol/disco#info', // XEP-0030
  discoItems: 'http://jabber.org/protocol/disco#items', // XEP-0030
  dataForms: 'jabber:x:data', // XEP-0004
  commands: 'http://jabber.org/protocol/commands', // XEP-0050
  muc: 'http://jabber.org/protocol/muc', // XEP-0045
  ping: 'urn:xmpp:ping', // XEP-0199
  version: 'jabber:iq:version', // XEP-0092
  time: 'urn:xmpp:time', // XEP-0202
  delay: 'urn:xmpp:delay', // XEP-0203
  forward: 'urn:xmpp:forward:0', // XEP-0297
  /** XEP-0356, without its version. */
  privilege: 'urn:xmpp:privilege:',
  /** XEP-0355, without its version. */
  delegation: 'urn:xmpp:delegation:',
} as const
