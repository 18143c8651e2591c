import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../peers/ports.ts'
import { type Server, startServer } from '../../peers/server.ts'

/** A relay that parses nothing: what Node itself can carry from one socket to four. */
export async function startRelay(): Promise<Server & { readonly port: number; readonly sinkPort: number }> {
  const [port, sinkPort] = [await freePort(), await freePort()]
  const file = fileURLToPath(new URL('relay-process.ts', import.meta.url))
  const server = await startServer({
    name: 'relay',
    user: userInfo().username,
    debianPackage: 'nodejs',
    needs: [process.execPath],
    files: () => ({ '.keep': '' }),
    process: () => ({
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), file, `${port}`, `${sinkPort}`],
      readyWhen: [/^ready$/],
    }),
  })
  return { ...server, port, sinkPort }
}
