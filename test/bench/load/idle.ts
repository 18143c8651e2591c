/** Many instances that connect and then do nothing: how fast they are let in, and what they weigh. */
import { setTimeout as sleep } from 'node:timers/promises'
import { measure, residentBytes, type Window } from '../meter.ts'
import { connectComponent } from './component.ts'

export interface Idle {
  readonly port: number
  readonly pid: number
  readonly domain: string
  readonly connections: number
  readonly tls: boolean
}

export interface Idled {
  /** From the first dial to the last handshake. */
  readonly window: Window
  /** Resident memory of the server, in bytes: before, with all of them connected, and some seconds later. */
  readonly before: number
  readonly connected: number
  readonly settled: number
}

/** Dialled at once. */
const AT_ONCE = 200
/** Addresses dialled from: one has 28 000 ports. */
const ADDRESSES = 10
const SETTLE_MS = 5000

async function run({ port, pid, domain, connections, tls }: Idle): Promise<Idled> {
  const before = residentBytes(pid)
  let dialled = 0
  const dial = async () => {
    while (dialled < connections) {
      const localAddress = `127.0.0.${2 + (dialled++ % ADDRESSES)}`
      const socket = await connectComponent({ port, domain, localAddress, tls })
      socket.resume()
    }
  }
  const end = measure([pid])
  await Promise.all(Array.from({ length: AT_ONCE }, dial))
  const window = end()
  const connected = residentBytes(pid)
  await sleep(SETTLE_MS)
  return { window, before, connected, settled: residentBytes(pid) }
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}'))))
process.exit(0)
