import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { type Server, startServer } from './server.ts'

const PATIENCE_MS = 10_000

/** A HAProxy with a configuration of the test's own, which takes connections at `port` when this resolves. */
export async function startHaproxy(configuration: string, port: number): Promise<Server> {
  const server = await startServer({
    name: 'haproxy',
    user: 'haproxy',
    debianPackage: 'haproxy',
    needs: ['/usr/sbin/haproxy'],
    files: () => ({ 'haproxy.cfg': configuration }),
    process: (folder) => ({
      command: '/usr/sbin/haproxy',
      // In the foreground, and not silent: this is all that it says.
      args: ['-db', '-V', '-f', `${folder}/haproxy.cfg`],
      readyWhen: [/Using .* as the polling mechanism/],
    }),
  })
  try {
    await untilAccepted(port)
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

/** Its last line comes before it listens: nothing but a connection tells. */
async function untilAccepted(port: number): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1' })
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await setTimeout(20)
    } finally {
      socket.destroy()
    }
  }
}
