import { setTimeout as sleep } from 'node:timers/promises'
import { type Ejabberd, type EjabberdOptions, joinCluster, startEjabberd } from '../../peers/ejabberd.ts'
import { freePort } from '../../peers/ports.ts'
import { type Server, startServer } from '../../peers/server.ts'

const COOKIE = 'bench'
const LOOK_MS = 100
const JOINED_WITHIN_MS = 30_000

/** Two ejabberd nodes in one cluster on loopback, with an epmd of their own. */
export interface EjabberdCluster {
  readonly a: Ejabberd
  readonly b: Ejabberd
  stop(): Promise<void>
}

export async function startEjabberdCluster(options: Omit<EjabberdOptions, 'distribution'>): Promise<EjabberdCluster> {
  const started: Server[] = []
  const stop = async () => {
    for (const server of started.toReversed()) await server.stop()
  }
  try {
    const epmdPort = await freePort()
    started.push(await startEpmd(epmdPort))
    const distribution = (name: string) => ({ node: `${name}@localhost`, cookie: COOKIE, epmdPort })
    const a = await startEjabberd({ ...options, distribution: distribution('a') })
    started.push(a)
    const b = await startEjabberd({ ...options, distribution: distribution('b') })
    started.push(b)
    await joinCluster(distribution('b'), 'a@localhost')
    for (const node of [a, b]) await seesBoth(node)
    return { a, b, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function startEpmd(port: number): Promise<Server> {
  return startServer({
    name: 'epmd',
    user: 'ejabberd',
    debianPackage: 'ejabberd',
    needs: ['/usr/bin/epmd'],
    files: () => ({ '.keep': '' }),
    // It says that it is up only where it says what it does.
    process: () => ({
      command: '/usr/bin/epmd',
      args: ['-d', '-address', '127.0.0.1', '-port', `${port}`],
      readyWhen: [/epmd running/],
    }),
  })
}

/** Its listeners are back, and it knows of the other: routes are shared from here on. */
async function seesBoth(node: Ejabberd): Promise<void> {
  const deadline = performance.now() + JOINED_WITHIN_MS
  let last = 'no answer'
  while (performance.now() < deadline) {
    try {
      last = JSON.stringify(await node.api('list_cluster', {}))
      if (['a@localhost', 'b@localhost'].every((name) => last.includes(name))) return
    } catch (error) {
      last = `${error}`
    }
    await sleep(LOOK_MS)
  }
  throw new Error(`ejabberd's nodes are not joined: ${last}`)
}
