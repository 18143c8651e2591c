import { freePort } from '../../peers/ports.ts'
import { type Server, startServer } from '../../peers/server.ts'

/** HAProxy in TCP mode, one thread: it carries each connection to `sinkPort` without a look at what is in it. */
export async function startHaproxy(
  sinkPort: number,
): Promise<Server & { readonly port: number; readonly sinkPort: number }> {
  const port = await freePort()
  const server = await startServer({
    name: 'haproxy',
    user: 'haproxy',
    debianPackage: 'haproxy',
    needs: ['/usr/sbin/haproxy'],
    files: () => ({ 'haproxy.cfg': config(port, sinkPort) }),
    process: (folder) => ({
      command: '/usr/sbin/haproxy',
      // In the foreground, and not silent: this is all that it says.
      args: ['-db', '-V', '-f', `${folder}/haproxy.cfg`],
      readyWhen: [/Proxy relay started|Using .* as the polling mechanism/],
    }),
  })
  return { ...server, port, sinkPort }
}

function config(port: number, sinkPort: number): string {
  return `global
  nbthread 1
  maxconn 1000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen relay
  bind 127.0.0.1:${port}
  server sink 127.0.0.1:${sinkPort}
`
}
