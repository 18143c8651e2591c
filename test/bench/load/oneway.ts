/**
 * Messages at a steady pace from a sender at one node to receivers at another, both in this process: how long is each on
 * its way? `direct`: the receivers are the other ends of the sender's own sockets.
 */
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { measure, type Window } from '../meter.ts'
import { arrivals } from './arrivals.ts'
import { message } from './blocks.ts'
import { connectComponent } from './component.ts'
import { type Latencies, Pace } from './pace.ts'

export interface Oneway {
  /** Where the sender connects, and where the receivers do; undefined: directly. */
  readonly ports?: { readonly sender: number; readonly receivers: number }
  readonly pids: readonly number[]
  readonly from: string
  readonly to: string
  readonly receivers: number
  readonly senders: number
  readonly rate: number
  readonly size: number
  readonly seconds: number
  /** The process that keeps the server's core awake; 0: none. */
  readonly awake: number
}

export interface OnewayOutcome {
  readonly window: Window
  readonly latencies: Latencies
}

/** Until what is compiled is compiled, and the young generation has its size. */
const WARM_UP_SECONDS = 5
const LOOK_MS = 50
const LATE_MS = 5000

async function run(task: Oneway): Promise<OnewayOutcome> {
  const pace = new Pace(task.rate, WARM_UP_SECONDS, task.seconds)
  const senders = await wire(task, (item) => pace.arrived(item))
  const users = Array.from({ length: task.senders }, (_, user) => `user${user}@${task.from}/resource`)
  const end = measure(task.pids, task.awake)
  await pace.run((first, last) => {
    let text = ''
    for (let item = first; item < last; item++)
      text += message(users[item % users.length] ?? '', task.to, task.size, `n${item}`)
    // Directly there is a socket for each receiver: they take turns.
    senders[first % senders.length]?.write(text)
  })
  for (let waited = 0; !pace.isComplete && waited < LATE_MS; waited += LOOK_MS) await sleep(LOOK_MS)
  return { window: end(), latencies: pace.latencies() }
}

async function wire(task: Oneway, arrived: (item: number) => void): Promise<readonly Socket[]> {
  const { ports, from, to, receivers } = task
  if (ports === undefined) return direct(to, receivers, arrived)
  for (let index = 0; index < receivers; index++)
    arrivals(await connectComponent({ port: ports.receivers, domain: to }), to, arrived)
  const sender = await connectComponent({ port: ports.sender, domain: from })
  sender.resume()
  return [sender]
}

async function direct(domain: string, count: number, arrived: (item: number) => void): Promise<readonly Socket[]> {
  const server = createServer({ noDelay: true }, (socket) => arrivals(socket, domain, arrived))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const dial = () =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      socket.once('connect', () => resolve(socket)).once('error', reject)
    })
  return Promise.all(Array.from({ length: count }, dial))
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}'))))
process.exit(0)
