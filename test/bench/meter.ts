import { existsSync, readFileSync } from 'node:fs'

/** Linux counts CPU time in hundredths of a second here, whatever its own tick is (USER_HZ). */
const TICKS_PER_SECOND = 100

/** What the machine did between two moments. All in seconds. */
export interface Window {
  readonly seconds: number
  /** CPU of the server under test, all its processes and threads. */
  readonly server: number
  /** The same for each of its processes. */
  readonly each: readonly number[]
  /** CPU of this process: the load and the sinks. */
  readonly load: number
  /** How long the main threads of its processes could have run but had to wait for their core. */
  readonly waited: number
  /** CPU of the process beside it, if there is one. */
  readonly beside: number
  /** CPU that none of these used, on all cores: whoever else was at work. */
  readonly foreign: number
}

interface Moment {
  readonly time: number
  readonly each: readonly number[]
  readonly waited: number
  readonly beside: number
  readonly load: number
  readonly busy: number
}

/**
 * Starts a window over the processes of a server, and `beside` that belongs to the measurement, too (0: none); the
 * function that it returns ends the window.
 */
export function measure(server: readonly number[], beside = 0): () => Window {
  const start = moment(server, beside)
  return () => {
    const end = moment(server, beside)
    const each = end.each.map((seconds, index) => seconds - (start.each[index] ?? 0))
    const used = {
      server: sum(each),
      beside: end.beside - start.beside,
      load: end.load - start.load,
    }
    const foreign = Math.max(0, end.busy - start.busy - used.server - used.beside - used.load)
    return { seconds: end.time - start.time, ...used, each, waited: end.waited - start.waited, foreign }
  }
}

function moment(server: readonly number[], beside: number): Moment {
  const { user, system } = process.cpuUsage()
  return {
    time: performance.now() / 1000,
    each: server.map(cpuSeconds),
    waited: sum(server.map(waitedSeconds)),
    beside: beside === 0 ? 0 : cpuSeconds(beside),
    load: (user + system) / 1e6,
    busy: busySeconds(),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** CPU seconds of a process so far, user and system, all threads and the children that it has waited for. */
export function cpuSeconds(pid: number): number {
  const fields = afterName(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), of which two stand before ours.
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND
}

/** The second field of schedstat, in nanoseconds (Documentation/scheduler/sched-stats.rst); 0 where the kernel has none. */
function waitedSeconds(pid: number): number {
  const path = `/proc/${pid}/schedstat`
  return existsSync(path) ? Number(readFileSync(path, 'utf8').split(' ')[1] ?? 0) / 1e9 : 0
}

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1] ?? 0) * 1024
}

/** The fields of /proc/PID/stat that follow the name, which may itself hold spaces and parentheses. */
function afterName(stat: string): readonly string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** CPU seconds that all cores have been busy since the machine started. */
function busySeconds(): number {
  const all = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/).slice(1, 9).map(Number) ?? []
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = all
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
}
