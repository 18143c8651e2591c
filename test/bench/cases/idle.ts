import { makeCertificate } from '../../stub/server.ts'
import { atMost, type Case, type Outcome } from '../case.ts'
import { ECHO } from '../contenders/contenders.ts'
import { startSwitchyard } from '../contenders/switchyard.ts'
import { onCore, SERVER_CORE } from '../cores.ts'
import type { Idled } from '../load/idle.ts'
import { cpuSeconds } from '../meter.ts'
import { quiet } from '../quiet.ts'
import { medianOf, type Table } from '../table.ts'
import { runWorker } from '../worker.ts'

const CONNECTIONS = 10_000
const MB = 1e6
type Round = Readonly<Record<string, number>>

export const idle: Case = {
  title: `${CONNECTIONS} idle instances, and the start`,
  run: async ({ rounds, quick, patience }, say) => {
    const connections = quick ? CONNECTIONS / 10 : CONNECTIONS
    const [plain, tls]: [Round[], Round[]] = [[], []]
    // Each starts a server anew and lets thousands in: more rounds would show no more.
    for (let round = 1; round <= Math.min(rounds, 3); round++) {
      await quiet(patience)
      plain.push(await connectAll(connections, false))
      await quiet(patience)
      tls.push(await connectAll(connections, true))
      say(`round ${round}: ${plain.at(-1)?.resident?.toFixed(0)} MB, TLS ${tls.at(-1)?.resident?.toFixed(0)} MB`)
    }
    const table = tableOf(connections, plain, tls)
    return { tables: [table], verdicts: verdictsOf(table, connections) }
  },
}

async function connectAll(connections: number, tls: boolean): Promise<Round> {
  const { key, cert } = makeCertificate()
  const server = await onCore(SERVER_CORE, () =>
    startSwitchyard({
      config: {
        domains: { [ECHO]: { secret: 'swordfish' } },
        limits: { unauthenticated: 100_000, unauthenticated_per_address: 100_000 },
      },
      ...(tls
        ? { listen: { tls: { key: 'key.pem', cert: 'cert.pem' } }, files: { 'key.pem': key, 'cert.pem': cert } }
        : {}),
    }),
  )
  const startCpu = cpuSeconds(server.pid()) * 1000
  try {
    const task = { port: server.port, pid: server.pid(), domain: ECHO, connections, tls }
    const { window, before, connected, settled } = await runWorker<Idled>('idle.ts', task)
    return {
      start: server.startMs,
      startCpu,
      empty: before / MB,
      connected: connected / MB,
      resident: settled / MB,
      each: (settled - before) / connections,
      rate: connections / window.seconds,
      microseconds: (window.server * 1e6) / connections,
      server: (window.server / window.seconds) * 100,
      foreign: (window.foreign / window.seconds) * 100,
    }
  } finally {
    await server.kill()
    await server.stop()
  }
}

function tableOf(connections: number, plain: readonly Round[], tls: readonly Round[]): Table {
  return {
    title: `${connections} instances of one domain connect, and then do nothing`,
    measures: [
      { key: 'rate', unit: 'accepted/s', spread: true },
      { key: 'microseconds', unit: 'CPU µs each' },
      { key: 'empty', unit: 'MB before' },
      { key: 'connected', unit: 'MB connected' },
      { key: 'resident', unit: 'MB 5 s later', spread: true },
      { key: 'each', unit: 'bytes each' },
      { key: 'start', unit: 'start to ready ms', spread: true },
      { key: 'startCpu', unit: 'CPU ms of it' },
      { key: 'server', unit: 'server %' },
      { key: 'foreign', unit: 'foreign %' },
    ],
    series: [
      { subject: 'plain TCP', rounds: plain },
      { subject: 'TLS', rounds: tls },
    ],
    notes: ['Who dials has the other core, and with TLS as much to do as the server.'],
  }
}

function verdictsOf(table: Table, connections: number): Outcome['verdicts'] {
  const plain = (key: string) => medianOf(table, 'plain TCP', key)
  return [
    ...atMost(`resident memory with ${connections} idle instances, plain TCP`, plain('resident'), 150, ' MB'),
    ...atMost('start to ready', plain('start'), 500, ' ms'),
  ]
}
