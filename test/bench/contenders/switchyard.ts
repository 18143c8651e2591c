import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../peers/ports.ts'
import { type Server, startServer } from '../../peers/server.ts'

const MAIN = fileURLToPath(new URL('../../../dist/src/main.js', import.meta.url))

export interface SwitchyardOptions {
  /** As in the configuration file, without `node`, `listen` and `log`. */
  readonly config: object
  readonly listen?: object
  /** Files beside the configuration, by name. */
  readonly files?: Readonly<Record<string, string>>
  /** Node's own arguments. */
  readonly nodeArgs?: readonly string[]
}

/** The built Switchyard, as a user would run it. `startMs` is from the start of its process to its ready line. */
export async function startSwitchyard(
  options: SwitchyardOptions,
): Promise<Server & { readonly port: number; readonly startMs: number }> {
  if (!existsSync(MAIN)) throw new Error(`no ${MAIN}: run npm run build`)
  const port = await freePort()
  const { config, listen, files = {}, nodeArgs = [] } = options
  const whole = { node: 'bench', listen: [{ port, ...listen }], ...config }
  const started = performance.now()
  const server = await startServer({
    name: 'switchyard',
    user: userInfo().username,
    debianPackage: 'nodejs',
    needs: [process.execPath],
    // JSON is YAML.
    files: () => ({ 'switchyard.yaml': JSON.stringify(whole), ...files }),
    process: () => ({
      command: process.execPath,
      args: [...nodeArgs, MAIN, 'run', '--config', 'switchyard.yaml'],
      env: { NODE_ENV: 'production' },
      readyWhen: [/"msg":"ready"/],
    }),
  })
  return { ...server, port, startMs: performance.now() - started }
}
