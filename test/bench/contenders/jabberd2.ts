import { freePort } from '../../peers/ports.ts'
import { type Server, startServer } from '../../peers/server.ts'

/** jabberd2's router alone: it is the part that components connect to. All of them share one secret. */
export async function startJabberd2(secret: string): Promise<Server & { readonly port: number }> {
  const port = await freePort()
  const server = await startServer({
    name: 'jabberd2',
    user: 'jabber',
    debianPackage: 'jabberd2',
    needs: ['/usr/sbin/jabberd2-router'],
    files: (folder) => ({
      'router.xml': config(folder, port, secret),
      'users.xml': `<users><user><name>jabberd</name><secret>${secret}</secret></user></users>\n`,
      'filter.xml': '<filter/>\n',
    }),
    process: (folder) => ({
      // It writes its log through a buffer that a pipe would fill only slowly.
      command: '/usr/bin/stdbuf',
      args: ['-oL', '/usr/sbin/jabberd2-router', '-c', `${folder}/router.xml`],
      readyWhen: [/listening for incoming connections/],
    }),
  })
  return { ...server, port }
}

function config(folder: string, port: number, secret: string): string {
  return `<router>
  <id>router</id>
  <pidfile>${folder}/router.pid</pidfile>
  <log type='stdout'/>
  <local>
    <ip>127.0.0.1</ip>
    <port>${port}</port>
    <users>${folder}/users.xml</users>
    <secret>${secret}</secret>
  </local>
  <check><interval>60</interval><keepalive>0</keepalive></check>
  <io>
    <max_fds>1024</max_fds>
    <limits><bytes>0</bytes><connects>0</connects></limits>
    <access><order>allow,deny</order></access>
  </io>
  <filter>${folder}/filter.xml</filter>
  <aci><acl type='all'><user>jabberd</user></acl></aci>
</router>
`
}
