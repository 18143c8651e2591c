import { createInterface } from 'node:readline'
import { component, type XmlElement, xml } from '../peers/stock.ts'
import { report } from './reporter.ts'
import { ASKED, type InstanceOptions, microseconds, NS, USERS } from './wire.ts'

/** A stock @xmpp/component as an instance, as a program. Standard input as for `instance-raw.ts`. */

const { port, domain, secret, name, askEvery }: InstanceOptions = JSON.parse(process.argv[2] ?? '')
const entity = component({ service: `xmpp://127.0.0.1:${port}`, domain, password: secret })
entity.reconnect.stop()
let asked = 0
let asking: NodeJS.Timeout | undefined

// `stanza` is emitted before the library's middleware answers anything, pings too.
entity.on('stanza', (stanza) => {
  const { type, id } = stanza.attrs
  if (stanza.is('iq') && (type === 'result' || type === 'error')) return report(`answered ${microseconds()} ${id}`)
  const child = stanza.getChildElements()[0]
  if (child?.name !== 'ping') report(`got ${microseconds()} ${child?.attrs.n ?? id}`)
})
entity.on('error', () => {})
entity.on('disconnect', () => process.exit(0))
entity.on('online', () => {
  report(`ready ${entity.socket?.localPort ?? 0}`)
  if (askEvery > 0) asking = setInterval(ask, askEvery)
})
const answer = (): XmlElement => xml('a', { xmlns: NS })
entity.iqCallee.get(NS, 'q', answer)
entity.iqCallee.set(NS, 'q', answer)

const commands = createInterface({ input: process.stdin })
commands.on('line', (line) => {
  if (line === 'hush') clearInterval(asking)
  else if (line === 'reset') entity.socket?.resetAndDestroy()
  else entity.stop().catch(() => {})
})
commands.on('close', () => process.exit(0))
entity.start().catch(() => process.exit(1))

function ask(): void {
  const id = `${ASKED}${name}.${++asked}`
  report(`asked ${microseconds()} ${id}`)
  const head = { type: 'get', id, from: `bot@${domain}`, to: `u1@${USERS}/r` }
  entity.send(xml('iq', head, xml('q', { xmlns: NS, n: id }))).catch(() => {})
}
