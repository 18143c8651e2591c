import { createInterface } from 'node:readline'
import { ComponentStream } from './component.ts'
import { report } from './reporter.ts'
import type { Stanza } from './scan.ts'
import { ASKED, type InstanceOptions, microseconds, NS, USERS } from './wire.ts'

/** An instance over a bare socket, as a program. Standard input: `close`, `reset` or `hush` (no more
 * requests), one a line; its end ends it. */

const { port, domain, secret, name, askEvery }: InstanceOptions = JSON.parse(process.argv[2] ?? '')
let asked = 0
let asking: NodeJS.Timeout | undefined

const stream = new ComponentStream(
  { port, domain, secret },
  {
    ready: (localPort) => {
      report(`ready ${localPort}`)
      if (askEvery > 0) asking = setInterval(ask, askEvery)
    },
    stanza,
    ended: () => process.exit(0),
  },
)
const commands = createInterface({ input: process.stdin })
commands.on('line', (line) => {
  if (line === 'hush') clearInterval(asking)
  else if (line === 'reset') stream.reset()
  else stream.close()
})
commands.on('close', () => process.exit(0))

function stanza({ kind, type, id, from, to, n, child }: Stanza): void {
  if (kind === 'iq' && (type === 'result' || type === 'error')) return report(`answered ${microseconds()} ${id}`)
  report(`got ${microseconds()} ${n === '' ? id : n}`)
  if (kind === 'iq' && child === 'q') {
    stream.write(`<iq type='result' id='${id}' from='${to}' to='${from}'><a xmlns='${NS}' n='${n}'/></iq>`)
  }
}

function ask(): void {
  const id = `${ASKED}${name}.${++asked}`
  report(`asked ${microseconds()} ${id}`)
  const payload = `<q xmlns='${NS}' n='${id}'/>`
  stream.write(`<iq type='get' id='${id}' from='bot@${domain}' to='u1@${USERS}/r'>${payload}</iq>`)
}
