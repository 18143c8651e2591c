// One target, fuzzed by coverage in a thread of its own, so that another can see when it hangs.
import { parentPort, workerData } from 'node:worker_threads'
import { readCorpus, writeCorpus, writeFinding } from './corpus.ts'
import { Guided } from './guided.ts'
import { type TargetName, targets } from './targets.ts'

/** What a thread is told. */
export interface GuidedTask {
  readonly name: TargetName
  readonly seed: number
  readonly seconds: number
  /** Write down what reaches most, in place of what was found before. */
  readonly isSaving: boolean
  /** Whether an input is being run, how many have been, and its length, in 32 bits each; then the input. */
  readonly shared: SharedArrayBuffer
}

export const SHARED_HEAD = 12
export const SHARED_BYTES = SHARED_HEAD + 16 * 1024
/** What a target's corpus may weigh, so that all of them stay below 300 kB. */
const CORPUS_BYTES = 30_000
const SAYING_MS = 30_000

async function main({ name, seed, seconds, isSaving, shared }: GuidedTask): Promise<void> {
  const state = new Int32Array(shared, 0, SHARED_HEAD / 4)
  const watched = Buffer.from(shared, SHARED_HEAD)
  const target = await targets[name]()
  const started = performance.now()
  let saidAt = started
  const corpus = readCorpus(name)
  const guided = new Guided({
    ...{ target, seed, corpus: [...corpus.values()] },
    isOurs: (url) => /\/(?:src|config|balancing)\/[^?]*\.ts/.test(url),
    isOver: (figures) => {
      const now = performance.now()
      if (now - saidAt > SAYING_MS) {
        saidAt = now
        parentPort?.postMessage({ figures, seconds: (now - started) / 1000 })
      }
      return now - started > seconds * 1000
    },
    running: (input) => {
      state[0] = 0
      if (input === undefined) return
      input.copy(watched)
      state[2] = input.length
      state[1] = ((state[1] ?? 0) + 1) | 0
      state[0] = 1
    },
    found: ({ input, why }) => parentPort?.postMessage({ finding: writeFinding(name, target.form, input), why }),
  })
  const figures = await guided.run()
  if (isSaving) {
    const given = [...corpus].filter(([file]) => !/^[0-9a-f]{12}\./.test(file)).map(([, input]) => input)
    writeCorpus(name, target.form, await guided.distilled(CORPUS_BYTES, given))
  }
  parentPort?.postMessage({ figures, seconds: (performance.now() - started) / 1000, isLast: true })
  guided.stop()
  await target.close?.()
}

if (parentPort !== null) await main(workerData as GuidedTask)
