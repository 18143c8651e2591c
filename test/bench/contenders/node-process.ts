import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Server, startServer } from '../../peers/server.ts'

/** A program of this folder in a Node process of its own, up when it says `ready`. */
export function startNode(name: string, file: string, ...ports: readonly number[]): Promise<Server> {
  const script = fileURLToPath(new URL(file, import.meta.url))
  return startServer({
    name,
    user: userInfo().username,
    debianPackage: 'nodejs',
    needs: [process.execPath],
    files: () => ({ '.keep': '' }),
    process: () => ({
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), script, ...ports.map(String)],
      readyWhen: [/^ready$/],
    }),
  })
}
