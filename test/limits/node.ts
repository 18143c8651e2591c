import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export interface LimitedNode {
  readonly port: number
  readonly adminPort: number
  /** Bytes of resident memory. */
  memory(): number
  stop(): Promise<void>
}

const PAGE_BYTES = 4096

/** Starts a node as a process of its own. @param root of the checkout whose node it is */
export async function startNode(
  config: string,
  root = fileURLToPath(new URL('../..', import.meta.url)),
): Promise<LimitedNode> {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-limits-'))
  const file = join(folder, 'switchyard.yaml')
  writeFileSync(file, config)
  const program = [join(root, 'src/main.ts'), 'run', '--config', file]
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), ...program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const ports = await new Promise<{ port: number; adminPort: number }>((resolve, reject) => {
    let adminPort = 0
    createInterface(child.stdout).on('line', (line) => {
      const { code, port, ports } = JSON.parse(line)
      if (code === 'admin-listening') adminPort = port
      if (code === 'ready') resolve({ port: ports[0], adminPort })
    })
    gone.then(() => reject(new Error('the node did not start')))
  })
  return {
    ...ports,
    memory: () => Number(readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES,
    async stop() {
      child.kill('SIGKILL')
      await gone
      rmSync(folder, { recursive: true })
    },
  }
}
