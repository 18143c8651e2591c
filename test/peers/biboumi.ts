import { type Server, startServer } from './server.ts'

export interface BiboumiOptions {
  /** Of the component listener on 127.0.0.1. */
  readonly port: number
  readonly domain: string
  readonly secret: string
}

/** biboumi, the IRC gateway in C++, as a component of someone else's making. Ready once its handshake is answered. */
export function startBiboumi({ port, domain, secret }: BiboumiOptions): Promise<Server> {
  return startServer({
    name: 'biboumi',
    user: '_biboumi',
    debianPackage: 'biboumi',
    needs: ['/usr/bin/biboumi'],
    files: (folder) => ({
      'biboumi.cfg': `hostname=${domain}
password=${secret}
xmpp_server_ip=127.0.0.1
port=${port}
db_name=${folder}/biboumi.sqlite
log_level=1
identd_port=0
`,
    }),
    process: (folder) => ({
      command: '/usr/bin/biboumi',
      args: [`${folder}/biboumi.cfg`],
      readyWhen: [/Authenticated with the XMPP server/],
    }),
  })
}
