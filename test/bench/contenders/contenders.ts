import { startEjabberd } from '../../peers/ejabberd.ts'
import { freePort } from '../../peers/ports.ts'
import { startProsody } from '../../peers/prosody.ts'
import type { Server } from '../../peers/server.ts'
import type { Wiring } from '../load/flood.ts'
import { startHaproxy } from './haproxy.ts'
import { startJabberd2 } from './jabberd2.ts'
import { startRelay } from './relay.ts'
import { startSwitchyard } from './switchyard.ts'

export const LOAD = 'load.localhost'
export const ECHO = 'echo.localhost'
export const BUCKETS = 4
export const secret = 'swordfish'
export const components = [
  { domain: LOAD, secret },
  { domain: ECHO, secret },
]
export const balancing = { [ECHO]: { type: 'bare_source', component_number: BUCKETS } }

/** One that runs, ready for a flood. */
export interface Contender {
  readonly wiring: Wiring
  readonly port: number
  readonly sinkPort?: number
  readonly sinks: number
  /** Of all its processes. */
  pids(): readonly number[]
  stop(): Promise<void>
}

/** What carries stanzas from one sender to the sinks: how to start it, by the name that the tables use. */
export type Starter = (nodeArgs: readonly string[]) => Promise<Contender>

export const starters: Readonly<Record<string, Starter>> = {
  'switchyard at_most_once': (nodeArgs) => switchyard('at_most_once', nodeArgs),
  'switchyard at_least_once': (nodeArgs) => switchyard('at_least_once', nodeArgs),
  ejabberd: async () => {
    const server = await startEjabberd({ components, balancing })
    return { ...alone(server), port: server.componentPort, wiring: 'xmpp', sinks: BUCKETS }
  },
  jabberd2: async () => {
    const server = await startJabberd2(secret)
    return { ...alone(server), port: server.port, wiring: 'xmpp', sinks: BUCKETS }
  },
  prosody: async () => {
    const server = await startProsody({ components })
    return { ...alone(server), port: server.componentPort, wiring: 'xmpp', sinks: 1 }
  },
  relay: async () => {
    const { port, sinkPort, ...server } = await startRelay()
    return { ...alone(server), port, sinkPort, wiring: 'split', sinks: BUCKETS }
  },
  haproxy: async () => {
    const { port, sinkPort, ...server } = await startHaproxy(await freePort())
    return { ...alone(server), port, sinkPort, wiring: 'proxy', sinks: BUCKETS }
  },
  'load alone': async () => ({ wiring: 'none', port: 0, sinks: BUCKETS, pids: () => [], stop: async () => {} }),
}

async function switchyard(delivery: string, nodeArgs: readonly string[]): Promise<Contender> {
  const domain = { secret, delivery }
  const config = { domains: { [LOAD]: domain, [ECHO]: domain }, domain_balancing: balancing }
  const server = await startSwitchyard({ config, nodeArgs })
  return { ...alone(server), port: server.port, wiring: 'xmpp', sinks: BUCKETS }
}

/** A contender that is one process. */
export function alone({ pid, stop }: Server): Pick<Contender, 'pids' | 'stop'> {
  return { pids: () => [pid()], stop }
}
