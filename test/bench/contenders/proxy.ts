import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Server, startServer } from '../../peers/server.ts'

const SCRIPT = fileURLToPath(new URL('proxy-process.ts', import.meta.url))

/** A relay from `port` to `to` that parses nothing. */
export function startProxy(port: number, to: number): Promise<Server> {
  return startServer({
    name: 'proxy',
    user: userInfo().username,
    debianPackage: 'nodejs',
    needs: [process.execPath],
    files: () => ({ '.keep': '' }),
    process: () => ({
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), SCRIPT, `${port}`, `${to}`],
      readyWhen: [/^ready$/],
    }),
  })
}
