import { startEjabberd } from '../peers/ejabberd.ts'
import { startProsody, type XmppServer } from '../peers/prosody.ts'
import type { Ledger } from './ledger.ts'
import type { Stanza } from './scan.ts'
import { startTap } from './tap.ts'
import { ASKED, SECRET, USERS } from './wire.ts'
import { startYard, type Yard, type YardDomain } from './yard.ts'

export const serverNames = ['prosody', 'ejabberd', 'none'] as const
export type ServerName = (typeof serverNames)[number]

/** Switchyard behind a server, or alone, with the tap between it and those who send. */
export interface Stage {
  readonly yard: Yard
  readonly server: XmppServer | undefined
  /** Where the users' component connects. */
  readonly usersPort: number
  stop(): Promise<void>
}

export interface StageOptions {
  readonly server: ServerName
  readonly domains: readonly YardDomain[]
  readonly windowBytes: number
}

export async function setStage({ server: name, domains, windowBytes }: StageOptions, ledger: Ledger): Promise<Stage> {
  const inward = (stanza: Stanza) => seeInward(ledger, stanza)
  const outward = (stanza: Stanza) => seeOutward(ledger, stanza)
  const server = await startServer(name, domains)
  if (server === undefined) {
    const yard = await startYard({ domains: [...domains, { name: USERS }], upstreamPort: undefined, windowBytes })
    const tap = await startTap({ dial: () => yard.port, up: inward, down: outward })
    return { yard, server, usersPort: tap.port, stop: () => endAll(tap, yard) }
  }
  const tap = await startTap({ dial: () => server.componentPort, up: outward, down: inward })
  const yard = await startYard({ domains, upstreamPort: tap.port, windowBytes })
  return { yard, server, usersPort: server.componentPort, stop: () => endAll(tap, yard, server) }
}

export async function startServer(
  name: ServerName,
  domains: readonly { readonly name: string }[],
): Promise<XmppServer | undefined> {
  const components = [...domains.map((domain) => domain.name), USERS].map((domain) => ({ domain, secret: SECRET }))
  if (name === 'none') return undefined
  return name === 'prosody' ? startProsody({ components }) : startEjabberd({ components })
}

async function endAll(tap: { close(): void }, ...processes: readonly { stop(): Promise<void> }[]): Promise<void> {
  for (const one of processes) await one.stop()
  tap.close()
}

function seeInward(ledger: Ledger, { kind, type, id, n }: Stanza): void {
  if (isReply(kind, type)) ledger.askReplied(id)
  else ledger.reach(n === '' ? id : n)
}

function seeOutward(ledger: Ledger, { kind, type, id, n, condition }: Stanza): void {
  if (isReply(kind, type) || type === 'error') ledger.leave(id, type === 'error' ? condition : type)
  else if (n.startsWith(ASKED)) ledger.askLeft(n, id)
}

function isReply(kind: string, type: string): boolean {
  return kind === 'iq' && (type === 'result' || type === 'error')
}
