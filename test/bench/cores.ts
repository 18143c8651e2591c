import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** The system under test has a core of its own; load and sinks share the other. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1

/** The kernel says which cores we may use; with one core there is nothing to keep apart. */
export function assertTwoCores(): void {
  if (availableParallelism() < 2) throw new Error('the benchmark needs two cores: one for the server, one for the load')
}

/**
 * Runs `start` so that the processes it starts, and all their threads, stay on one core. They inherit it, because a
 * server may look at its cores when it starts (Erlang does, and makes a scheduler for each).
 */
export async function onCore<T>(core: number, start: () => Promise<T>): Promise<T> {
  moveTo(core)
  try {
    return await start()
  } finally {
    // What we ourselves do must not disturb the server.
    moveTo(LOAD_CORE)
  }
}

/** Lets us, and what we start from here on, use both. */
export function onAnyCore(): void {
  moveTo(`${SERVER_CORE},${LOAD_CORE}`)
}

function moveTo(cores: number | string): void {
  execFileSync('taskset', ['-acp', `${cores}`, `${process.pid}`], { stdio: 'ignore' })
}
