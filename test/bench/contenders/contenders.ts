import { startEjabberd } from '../../peers/ejabberd.ts'
import { freePort } from '../../peers/ports.ts'
import { startProsody } from '../../peers/prosody.ts'
import type { Wiring } from '../load/flood.ts'
import { startHaproxy } from './haproxy.ts'
import { startJabberd2 } from './jabberd2.ts'
import { startRelay } from './relay.ts'
import { startSwitchyard } from './switchyard.ts'

export const LOAD = 'load.localhost'
export const ECHO = 'echo.localhost'
export const BUCKETS = 4
const secret = 'swordfish'
const components = [
  { domain: LOAD, secret },
  { domain: ECHO, secret },
]
const balancing = { [ECHO]: { type: 'bare_source', component_number: BUCKETS } }

/** One that runs, ready for a flood. */
export interface Contender {
  readonly wiring: Wiring
  readonly port: number
  readonly sinkPort?: number
  readonly sinks: number
  pid(): number
  stop(): Promise<void>
}

/** What carries stanzas from one sender to the sinks: how to start it, by the name that the tables use. */
export type Starter = (nodeArgs: readonly string[]) => Promise<Contender>

export const starters: Readonly<Record<string, Starter>> = {
  'switchyard at_most_once': (nodeArgs) => switchyard('at_most_once', nodeArgs),
  'switchyard at_least_once': (nodeArgs) => switchyard('at_least_once', nodeArgs),
  ejabberd: async () => {
    const server = await startEjabberd({ components, balancing })
    return { ...server, port: server.componentPort, wiring: 'xmpp', sinks: BUCKETS }
  },
  jabberd2: async () => ({ ...(await startJabberd2(secret)), wiring: 'xmpp', sinks: BUCKETS }),
  prosody: async () => {
    const server = await startProsody({ components })
    return { ...server, port: server.componentPort, wiring: 'xmpp', sinks: 1 }
  },
  relay: async () => ({ ...(await startRelay()), wiring: 'split', sinks: BUCKETS }),
  haproxy: async () => ({ ...(await startHaproxy(await freePort())), wiring: 'proxy', sinks: BUCKETS }),
  'load alone': async () => ({ wiring: 'none', port: 0, sinks: BUCKETS, pid: () => 0, stop: async () => {} }),
}

async function switchyard(delivery: string, nodeArgs: readonly string[]): Promise<Contender> {
  const domain = { secret, delivery }
  const config = { domains: { [LOAD]: domain, [ECHO]: domain }, domain_balancing: balancing }
  return { ...(await startSwitchyard({ config, nodeArgs })), wiring: 'xmpp', sinks: BUCKETS }
}
