import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startNode } from './node.ts'

// node --import tsx test/limits/loris.ts [--loris 10000] [--refusals 100000] [--rate 2000] [--stanzas 2000]
//
// Ten good instances, and 10 000 connections that hang (half silent, half a byte in a second) while 100 000 handshakes are refused:
// is anything of the good ones lost, how long do their stanzas take, and what memory is left over? Node, good and bad are a
// process each, on loopback. Wants `ulimit -n` above 12 000, and takes a minute and a half.

const { values } = parseArgs({
  options: {
    loris: { type: 'string', default: '10000' },
    refusals: { type: 'string', default: '100000' },
    rate: { type: 'string', default: '2000' },
    stanzas: { type: 'string', default: '2000' },
    before: { type: 'string', default: '10' },
    after: { type: 'string', default: '20' },
  },
})
const MOST_P99_MILLISECONDS = 50
const MOST_GROWTH = 0.05
const MiB = 1024 ** 2

const config = `
node: yard
listen: [{port: 0}]
domains: {a.test: {secret: swordfish}, b.test: {secret: swordfish}}
domain_balancing: {b.test: {type: bare_destination, component_number: 5}}
limits: {unauthenticated: 15000, accepts_per_second: 10000}
admin: {port: 0}
`

interface Good {
  readonly sent: number
  readonly received: number
  readonly doubled: number
  readonly samples: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}
interface Bad {
  readonly done?: true
  readonly up: number
  readonly most: number
  readonly closed: number
  readonly failed: number
  readonly refused: number
  readonly otherwise: number
}

const program = (file: string, options: Readonly<Record<string, string | number>>): ChildProcess =>
  fork(
    fileURLToPath(new URL(file, import.meta.url)),
    Object.entries(options).map(([name, value]) => `--${name}=${value}`),
    { execArgv: ['--import', import.meta.resolve('tsx')] },
  )

async function asked(child: ChildProcess, message: string): Promise<Good> {
  child.send(message)
  return (await once(child, 'message'))[0]
}

const node = await startNode(config)
const children: ChildProcess[] = []
const row = (what: string, good: Good, memory: number, more = ''): void => {
  const { samples, p50, p99, p999, max } = good
  const times = [p50, p99, p999, max].map((time) => time.toFixed(1))
  console.log(`| ${[what, samples, ...times, (memory / MiB).toFixed(1), more].join(' | ')} |`)
}
try {
  const good = program('loris-good.ts', { port: node.port, rate: values.stanzas })
  children.push(good)
  await once(good, 'message')
  await after(Number(values.before) * 1000)
  console.log('| | stanzas | p50, ms | p99, ms | p99.9, ms | max, ms | resident, MiB | |')
  console.log('|---|---:|---:|---:|---:|---:|---:|---|')
  const before = node.memory()
  row('before', await asked(good, 'now'), before)
  const bad = program('loris-bad.ts', {
    ...{ port: node.port, loris: values.loris, refusals: values.refusals, rate: values.rate },
  })
  children.push(bad)
  let last: Bad | undefined
  let most = 0
  const begun = performance.now()
  for (let isDone = false; !isDone; ) {
    last = (await once(bad, 'message'))[0] as Bad
    most = Math.max(most, node.memory())
    isDone = last.done === true
    console.error(JSON.stringify(last))
  }
  const seconds = (performance.now() - begun) / 1000
  const during = await asked(good, 'now')
  row('during', during, most, `${seconds.toFixed(0)} s; ${JSON.stringify(last)}`)
  bad.kill('SIGKILL')
  const metrics = await (await fetch(`http://127.0.0.1:${node.adminPort}/metrics`)).text()
  await after(Number(values.after) * 1000)
  const later = await (await fetch(`http://127.0.0.1:${node.adminPort}/metrics`)).text()
  for (const line of later.match(/^nodejs_(heap_s\S+|external)\S* \S+$/gm) ?? []) console.log(line)
  for (const line of later.match(/^nodejs_gc_duration_seconds_count\S* \S+$/gm) ?? []) console.log(line)
  const left = node.memory()
  row('after', await asked(good, 'now'), left)
  const end = await asked(good, 'end')
  const of = (pattern: RegExp): readonly string[] => metrics.match(pattern) ?? []
  for (const line of of(/^switchyard_(stream_errors|connections_refused)_total\S+ [1-9]\d*$/gm)) console.log(line)
  for (const line of of(/^switchyard_event_loop_delay_seconds\S+ \S+$/gm)) console.log(line)
  const growth = left / before - 1
  const isWell =
    end.sent === end.received &&
    end.doubled === 0 &&
    during.p99 < MOST_P99_MILLISECONDS &&
    growth < MOST_GROWTH &&
    last?.otherwise === 0
  const sums = `${end.sent} sent, ${end.received} received, ${end.doubled} of them twice`
  console.log(`${sums}; resident memory ${(growth * 100).toFixed(1)} % above before; ${isWell ? 'well' : 'NOT WELL'}`)
  process.exitCode = isWell ? 0 : 1
} finally {
  for (const child of children) child.kill('SIGKILL')
  await node.stop()
}
