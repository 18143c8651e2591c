#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { availableParallelism, hostname } from 'node:os'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { fileAccess } from '../config/file-access.ts'
import { collectorFlags } from './collector.ts'
import { dispatch, type Io } from './commands/dispatch.ts'
import { chunksOf } from './commands/standard-input.ts'
import { exitCodes, SwitchyardError } from './errors.ts'

/** Beside src/ in a checkout, one folder further up from dist/src/. */
function version(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return String(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version)
    } catch {}
  }
  return 'unknown'
}

const stderr = (text: string) => void process.stderr.write(text)

function createIo(): Io {
  let reportBug = (error: unknown): void => {
    const told = error instanceof Error ? (error.stack ?? error.message) : String(error)
    stderr(`switchyard: a bug; please report it with what follows\n${told}\n`)
  }
  const bug = (error: unknown): void => {
    reportBug(error)
    process.exit(exitCodes.bug)
  }
  process.on('uncaughtException', bug)
  process.on('unhandledRejection', bug)
  return {
    env: process.env,
    pid: process.pid,
    monotonic: () => process.hrtime.bigint(),
    hostname: hostname(),
    version: version(),
    memory: () => process.memoryUsage.rss(),
    heap: { used: () => getHeapStatistics().used_heap_size, collect, busy: busySinceAsked() },
    program: fileURLToPath(import.meta.url),
    readFile: (path) => readFileSync(path, 'utf8'),
    access: fileAccess,
    stdin: () => chunksOf(0),
    isTyped: isatty(0),
    stdout: (text) => void process.stdout.write(text),
    stderr,
    isTerminal: process.stdout.isTTY === true,
    columns: () => process.stdout.columns ?? 80,
    onBug(report) {
      reportBug = report
    },
    onSignals,
    onExit: (end) => void process.on('exit', end),
    parent: {
      send: (message) => void process.send?.(message),
      onMessage: (receive) => void process.on('message', receive),
      onGone: (gone) => void process.on('disconnect', gone),
    },
  }
}

/** V8 has it under this name only where it was asked to show it. */
function collect(): void {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  gc()
  gc() // the pages that the first one has emptied are given back by the second
}

function busySinceAsked(): () => number {
  let last = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    return utilization
  }
}

function onSignals(reload: () => void, stop: () => void): void {
  let isStopping = false
  const onStop = (): void => {
    if (isStopping) process.exit(exitCodes.done)
    isStopping = true
    stop()
  }
  process.on('SIGHUP', reload)
  process.on('SIGTERM', onStop)
  process.on('SIGINT', onStop)
}

/** Whoever read our output has seen enough, as `head` has after ten lines: no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done)
  throw error
})

// Secrets may come by the environment: a diagnostic report, where somebody asks Node for one, leaves it out (Node 22.13).
Object.assign(process.report, { excludeEnv: true })

// V8 reads these with each collection; there has been none that matters.
for (const flag of collectorFlags(availableParallelism())) setFlagsFromString(flag)

dispatch(process.argv.slice(2), createIo()).then(
  (code) => process.exit(code),
  (thrown: unknown) => {
    // Whatever is not ours was not foreseen: it goes the way of every bug.
    if (!(thrown instanceof SwitchyardError)) throw thrown
    stderr(`switchyard: ${thrown.message}\n`)
    process.exit(thrown.exitCode)
  },
)
