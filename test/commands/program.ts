import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

/** The program as a process of its own. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  /** The first line of standard output that matches, past or to come. Rejects when the program ends without it. */
  line(match: (line: string) => boolean): Promise<string>
}

/** Starts the program; it is killed when the test ends before it does. */
export function startProgram(t: TestContext, ...args: readonly string[]): Running {
  return startUnder(t, [], args)
}

/** The same, with arguments for Node itself, and with more in its environment than PATH. */
export function startUnder(
  t: TestContext,
  nodeArgs: readonly string[],
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const child = spawn(process.execPath, ['--import', 'tsx', ...nodeArgs, main, ...args], {
    env: { PATH: process.env.PATH, ...env },
  })
  t.after(() => child.kill('SIGKILL'))
  child.stdin.on('error', () => {})
  const text = { out: '', err: '' }
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  child.stdout.on('data', (chunk) => {
    text.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    text.err += chunk
  })
  const ended = once(child, 'close').then(([code, signal]): Ended => ({ code, signal, ...text }))
  const line = (match: (line: string) => boolean): Promise<string> => {
    const known = lines.find(match)
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve, reject) => {
      reader.on('line', (next) => match(next) && resolve(next))
      ended.then(({ err }) => reject(new Error(`it ended first: ${lines.join('\n')}${err}`)))
    })
  }
  return { child, ended, line }
}

/** Runs the program to its end. */
export function runProgram(t: TestContext, args: readonly string[], input = ''): Promise<Ended> {
  const { child, ended } = startProgram(t, ...args)
  child.stdin.end(input)
  return ended
}

/** A file that is there until the test ends. */
export function temporaryFile(t: TestContext, name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
