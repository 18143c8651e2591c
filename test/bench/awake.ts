import { spawn } from 'node:child_process'

/**
 * Keeps a core from going to sleep, by a loop that gets only what nobody else wants (SCHED_IDLE). A virtual machine's core
 * that has nothing to do is taken away by the host, and given back up to five milliseconds after it is wanted again: all
 * who are measured on it would seem that slow, however little they do.
 */
export function keepAwake(core: number): { readonly pid: number; readonly stop: () => void } {
  const loop = ['sh', '-c', 'while :; do :; done']
  const args = ['--pdeathsig', 'KILL', '--', 'taskset', '-c', `${core}`, 'chrt', '--idle', '0', ...loop]
  const child = spawn('setpriv', args, { stdio: 'ignore' })
  child.once('error', () => {})
  // Each of these becomes the next: it is all one process.
  return { pid: child.pid ?? 0, stop: () => void child.kill('SIGKILL') }
}
