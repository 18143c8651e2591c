// npm run fuzz [-- --hours N | --minutes N] [--target NAME]... [--seed N] [--save]: see README.md.
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { runAgainstExpat } from './against-expat.ts'
import { writeFinding } from './corpus.ts'
import type { Figures } from './guided.ts'
import { type GuidedTask, SHARED_BYTES, SHARED_HEAD } from './guided-thread.ts'
import { Oracle } from './oracle.ts'
import { runRoundTrips } from './round-trip.ts'
import { isTargetName, type TargetName, targetNames } from './targets.ts'

/** What takes so long does not end: its thread is stopped. */
const HUNG_MS = 20_000

/** Fuzzed by a grammar. Each gives the number of what it has tried, and what else there is to say. */
const grammars = {
  expat: async (seed: number, isOver: () => boolean): Promise<ReadonlyMap<string, number>> => {
    const oracle = new Oracle()
    try {
      return await runAgainstExpat(oracle, { seed, documents: Number.POSITIVE_INFINITY, everyByteOf: 100, isOver })
    } finally {
      await oracle.close()
    }
  },
  'round-trip': (seed: number, isOver: () => boolean): Promise<ReadonlyMap<string, number>> =>
    runRoundTrips({ seed, stanzas: Number.POSITIVE_INFINITY, isOver }),
} as const
type GrammarName = keyof typeof grammars
const names: readonly (GrammarName | TargetName)[] = [...(Object.keys(grammars) as GrammarName[]), ...targetNames]

interface Message {
  readonly figures?: Figures
  readonly seconds?: number
  readonly isLast?: boolean
  readonly finding?: string
  readonly why?: string
}

const { values } = parseArgs({
  options: {
    hours: { type: 'string' },
    minutes: { type: 'string' },
    target: { type: 'string', multiple: true },
    seed: { type: 'string' },
    save: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.hours ?? 0) * 60 + Number(values.minutes ?? (values.hours === undefined ? 9 : 0))
const chosen = values.target ?? names
const seed = Number(values.seed ?? Date.now() % 2 ** 31)
const isUsable = minutes > 0 && Number.isFinite(minutes) && Number.isInteger(seed) && chosen.every(isName)
if (!isUsable) {
  console.error(
    `usage: npm run fuzz [-- --hours N | --minutes N] [--target NAME]... [--seed N] [--save]; NAME is one of ${names.join(', ')}`,
  )
  process.exit(2)
}
console.log(`seed ${seed}, ${minutes} minutes for ${chosen.join(', ')}`)
const seconds = (minutes * 60) / chosen.length
for (const name of chosen.filter(isName)) {
  const isWell = isTargetName(name) ? await guide(name) : await generate(name)
  if (!isWell) process.exitCode = 1
}

function isName(name: string): name is GrammarName | TargetName {
  return names.some((known) => known === name)
}

async function generate(name: GrammarName): Promise<boolean> {
  const started = performance.now()
  try {
    const seen = await grammars[name](seed, () => performance.now() - started > seconds * 1000)
    const counts = [...seen].map(([what, count]) => `${what}: ${count}`)
    console.log(`${name}: ${((performance.now() - started) / 1000).toFixed(0)} s, ${counts.join(', ')}`)
    return true
  } catch (error) {
    console.error(`${name}: FOUND`, error)
    return false
  }
}

/** In a thread, which is stopped when an input does not end. */
function guide(name: TargetName): Promise<boolean> {
  const shared = new SharedArrayBuffer(SHARED_BYTES)
  const workerData: GuidedTask = { name, seed, seconds, isSaving: values.save, shared }
  const worker = new Worker(new URL('guided-worker.mjs', import.meta.url), { workerData })
  const watch = watching(shared, (input) => {
    console.error(`${name}: HANGS at ${writeFinding(name, 'hex', input)}`)
    void worker.terminate()
  })
  let isWell = true
  let isOver = false
  worker.on('message', ({ figures, seconds: sofar = 0, isLast, finding, why }: Message) => {
    if (finding !== undefined) {
      isWell = false
      console.error(`${name}: FOUND ${finding}\n${why}`)
    }
    if (isLast === true) isOver = true
    if (figures === undefined) return
    const { inputs, kept, covered, slowestMs } = figures
    console.log(
      `${name}: ${sofar.toFixed(0)} s, ${inputs} inputs (${(inputs / sofar).toFixed(0)}/s), ${kept} kept, ` +
        `${covered} characters of code reached, slowest ${slowestMs.toFixed(1)} ms`,
    )
  })
  return new Promise((resolve) => {
    worker.on('error', (error) => console.error(`${name}:`, error))
    worker.on('exit', () => {
      clearInterval(watch)
      resolve(isWell && isOver)
    })
  })
}

/** Calls `hangs` with the input that has been run for too long. */
function watching(shared: SharedArrayBuffer, hangs: (input: Buffer) => void): NodeJS.Timeout {
  const state = new Int32Array(shared, 0, SHARED_HEAD / 4)
  let number = 0
  let since = performance.now()
  const watch = setInterval(() => {
    const now = performance.now()
    if (state[0] === 0 || state[1] !== number) {
      number = state[1] ?? 0
      since = now
    } else if (now - since > HUNG_MS) {
      clearInterval(watch)
      hangs(Buffer.from(Buffer.from(shared, SHARED_HEAD, state[2])))
    }
  }, 1000)
  return watch
}
