import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LOAD_CORE } from './cores.ts'

const WITHIN_MS = 180_000

/** Runs a file of load/ in a process on the load's core, with `task` as its argument; resolves with what it prints. */
export async function runWorker<Outcome>(file: string, task: object, core = LOAD_CORE): Promise<Outcome> {
  const output = await runScript(fileURLToPath(new URL(`load/${file}`, import.meta.url)), [JSON.stringify(task)], core)
  return JSON.parse(output)
}

/** Runs a TypeScript file in a process on one core; resolves with its standard output, rejects when it fails. */
export function runScript(path: string, args: readonly string[], core: number): Promise<string> {
  const node = [process.execPath, '--import', import.meta.resolve('tsx'), path, ...args]
  return new Promise((resolve, reject) => {
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'taskset', '-c', `${core}`, ...node], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: WITHIN_MS,
      killSignal: 'SIGKILL',
    })
    let [output, errors] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output)
      else reject(new Error(`${path} failed (${code ?? signal}): ${errors.slice(-1000)}`))
    })
  })
}
