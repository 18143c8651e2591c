/**
 * Iq round trips from instances to an echo behind a link, and back; both ends in this process. With `linkPort` the
 * instances dial `port` (Switchyard) and Switchyard dials the echo at `linkPort`; without it the instances dial the echo.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { measure, type Window } from '../meter.ts'
import { confirmation, connectComponent } from './component.ts'
import { attribute, startEcho } from './echo.ts'
import { type Latencies, Pace } from './pace.ts'
import { Splitter } from './splitter.ts'

export interface Roundtrip {
  readonly port: number
  readonly linkPort?: number
  readonly domain: string
  readonly pid: number
  readonly instances: number
  /** Requests per second, all instances together; 0: as many as pass with `WINDOW` unanswered. */
  readonly rate: number
  readonly seconds: number
  /** The process that keeps the server's core awake; 0: none. */
  readonly awake: number
}

export interface Roundtripped {
  readonly window: Window
  /** Answers within the window. */
  readonly answers: number
  readonly latencies?: Latencies
}

/** Until what is compiled is compiled, and the young generation has its size. */
const WARM_UP_SECONDS = 2
const WINDOW = 2000
const REDIAL_MS = 50
const LATE_MS = 2000

interface Asker {
  readonly ask: (first: number, end: number) => void
  onAnswer: (item: number) => void
}

async function run(task: Roundtrip): Promise<Roundtripped> {
  const echo = await startEcho(task.linkPort ?? task.port)
  const asker = await connect(task)
  await echo.arrived
  return task.rate > 0 ? paced(task, asker) : saturated(task, asker)
}

async function paced(task: Roundtrip, asker: Asker): Promise<Roundtripped> {
  const { rate, seconds, pid } = task
  const pace = new Pace(rate, WARM_UP_SECONDS, seconds)
  asker.onAnswer = (item) => pace.arrived(item)
  const end = measure(pid === 0 ? [] : [pid], task.awake)
  await pace.run(asker.ask)
  for (let waited = 0; !pace.isComplete && waited < LATE_MS; waited += REDIAL_MS) await sleep(REDIAL_MS)
  const latencies = pace.latencies()
  return { window: end(), answers: latencies.received, latencies }
}

/** Each answer brings the next request, so that `WINDOW` are always on their way. */
async function saturated(task: Roundtrip, asker: Asker): Promise<Roundtripped> {
  const { seconds, pid } = task
  let [answers, next, owed] = [0, WINDOW, 0]
  asker.onAnswer = () => {
    answers++
    if (owed++ === 0) setImmediate(refill)
  }
  const refill = () => {
    asker.ask(next, next + owed)
    next += owed
    owed = 0
  }
  asker.ask(0, WINDOW)
  await sleep(WARM_UP_SECONDS * 1000)
  const before = answers
  const end = measure(pid === 0 ? [] : [pid], task.awake)
  await sleep(seconds * 1000)
  return { window: end(), answers: answers - before }
}

async function connect({ port, domain, instances }: Roundtrip): Promise<Asker> {
  const sockets = await Promise.all(Array.from({ length: instances }, () => redial(port, domain)))
  const asker: Asker = {
    onAnswer: () => {},
    ask: (first, end) => {
      const texts = sockets.map(() => '')
      for (let item = first; item < end; item++) texts[item % instances] += request(domain, item)
      for (const [index, socket] of sockets.entries()) if (texts[index]) socket.write(texts[index])
    },
  }
  for (const socket of sockets) {
    const splitter = new Splitter('/>')
    socket.on('data', (chunk: Buffer) => {
      for (const answer of splitter.push(chunk)) {
        const id = attribute(answer, 'id')
        if (id.startsWith('n')) asker.onAnswer(Number(id.slice(1)))
        else if (id.startsWith('sy.')) socket.write(confirmation(domain, id))
      }
    })
    socket.resume()
  }
  return asker
}

/** The server may not be up yet. */
async function redial(port: number, domain: string) {
  for (;;) {
    try {
      return await connectComponent({ port, domain })
    } catch {
      await sleep(REDIAL_MS)
    }
  }
}

function request(domain: string, item: number): string {
  const addresses = `from='bot@${domain}/work' to='user${item % 1000}@server.localhost/phone'`
  return `<iq type='get' id='n${item}' ${addresses}><query xmlns='urn:switchyard:bench'></query></iq>`
}

console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? '{}'))))
process.exit(0)
