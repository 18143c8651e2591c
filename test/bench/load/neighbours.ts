/**
 * Messages at a steady pace to instances that read, while one more instance beside them, or who sends to it, behaves
 * badly: what do the others feel of it?
 */
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { bucketOf } from '../../../balancing/buckets.ts'
import { murmur3 } from '../../../balancing/hash.ts'
import { measure, type Window } from '../meter.ts'
import { arrivals } from './arrivals.ts'
import { message } from './blocks.ts'
import { connectComponent } from './component.ts'
import { type Latencies, Pace } from './pace.ts'
import { Sink } from './sink.ts'

/** What the neighbour does: reads as it should; reads nothing; reads a little now and then; is sent very large stanzas. */
export type Conduct = 'well' | 'frozen' | 'slow' | 'large'

export interface Neighbours {
  readonly port: number
  readonly pid: number
  readonly from: string
  readonly to: string
  readonly buckets: number
  readonly conduct: Conduct
  /** Messages per second to those that read. */
  readonly rate: number
  readonly size: number
  readonly seconds: number
  /** The process that keeps the server's core awake; 0: none. */
  readonly awake: number
}

export interface Neighboured {
  readonly window: Window
  readonly latencies: Latencies
}

/** For so long V8 compiles, on the server's only core, what this traffic uses: more of it where a neighbour behaves badly. */
const WARM_UP_SECONDS = 10
/** What goes to the neighbour: this many stanzas of this size, in each turn of so many milliseconds. */
const BESIDE = { stanzas: 20, bytes: 2117, milliseconds: 10 }
const LARGE = { stanzas: 1, bytes: 500_000, milliseconds: 50 }
const SLOW_MS = 200
const LATE_MS = 1000

async function run(task: Neighbours): Promise<Neighboured> {
  const { port, from, to, buckets, rate, seconds, pid } = task
  const pace = new Pace(rate, WARM_UP_SECONDS, seconds)
  for (let bucket = 0; bucket < buckets - 1; bucket++) {
    arrivals(await connectComponent({ port, domain: to }), to, (item) => pace.arrived(item))
  }
  // The last to come gets the last bucket.
  const neighbour = await connectComponent({ port, domain: to })
  behave(neighbour, to, task.conduct)
  pester(await connectComponent({ port, domain: from }), task)
  const sender = await connectComponent({ port, domain: from })
  sender.resume()
  const users = usersOf(task, (bucket) => bucket !== buckets - 1)
  const end = measure([pid], task.awake)
  await pace.run((first, last) => {
    let text = ''
    for (let item = first; item < last; item++)
      text += message(users[item % users.length] ?? '', to, task.size, `n${item}`)
    sender.write(text)
  })
  await sleep(LATE_MS)
  return { window: end(), latencies: pace.latencies() }
}

/** A hundred senders whose bucket is one of those wanted. */
function usersOf({ from, buckets }: Neighbours, wanted: (bucket: number) => boolean): readonly string[] {
  const users: string[] = []
  for (let number = 0; users.length < 100; number++) {
    const key = Buffer.from(`user${number}@${from}`)
    if (wanted(bucketOf(murmur3(key, 0, key.length), buckets))) users.push(`user${number}@${from}/resource`)
  }
  return users
}

function behave(socket: Socket, domain: string, conduct: Conduct): void {
  socket.on('error', () => {})
  if (conduct === 'frozen') return
  new Sink(socket, domain)
  if (conduct !== 'slow') return
  socket.on('data', () => {
    socket.pause()
    setTimeout(() => socket.resume(), SLOW_MS)
  })
}

/** Sends to the neighbour, from a stream of its own: that one may be paused. */
function pester(socket: Socket, task: Neighbours): void {
  const { stanzas, bytes, milliseconds } = task.conduct === 'large' ? LARGE : BESIDE
  const [user = ''] = usersOf(task, (bucket) => bucket === task.buckets - 1)
  const block = Buffer.from(message(user, task.to, bytes).repeat(stanzas))
  socket.on('error', () => {})
  socket.resume()
  setInterval(() => socket.writableNeedDrain || socket.write(block), milliseconds)
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}'))))
process.exit(0)
