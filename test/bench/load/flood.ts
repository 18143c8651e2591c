/**
 * One sender and its receivers, in one process: as many stanzas as the server under test takes. The task is JSON in
 * argv[2], the outcome JSON on standard output.
 */
import { createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { measure, type Window } from '../meter.ts'
import { makeBlocks } from './blocks.ts'
import { connectComponent, connectPlain } from './component.ts'
import { Generator } from './generator.ts'
import { Sink } from './sink.ts'

/**
 * How the stanzas get to the sinks. `xmpp`: everyone is a component, the sinks of what is at `sinkPort` if that is another
 * port than the sender's. `split`: plain connections, the sender's
 * to `port`, the sinks' to `sinkPort`. `proxy`: the server dials the sinks, at `sinkPort`, once per sender connection, of
 * which there are as many as sinks. `none`: as `proxy` without the server.
 */
export type Wiring = 'xmpp' | 'split' | 'proxy' | 'none'

export interface Flood {
  readonly wiring: Wiring
  readonly port: number
  readonly sinkPort?: number
  /** The processes under test; empty where there is none. */
  readonly pids: readonly number[]
  /** Another process that belongs to the measurement. */
  readonly beside?: number
  readonly from: string
  readonly to: string
  readonly sinks: number
  readonly senders: number
  readonly size: number
  readonly seconds: number
}

export interface Flooded {
  readonly window: Window
  readonly stanzas: number
  readonly bytes: number
  /** Stanzas per sink, least and most. */
  readonly least: number
  readonly most: number
  /** Written, from the first to the last, and never received. */
  readonly missing: number
}

const WARM_UP_MS = 1000
/** What was sent is let through before the streams end, as long as something still comes. */
const QUIET_MS = 500
const DRAIN_MS = 20_000

interface Wired {
  readonly senders: readonly Socket[]
  readonly sinks: readonly Sink[]
}

async function flood(task: Flood): Promise<Flooded> {
  const { senders, sinks } = await wire(task)
  const blocks = makeBlocks({ from: task.from, to: task.to, size: task.size, senders: task.senders })
  const generators = senders.map((socket, index) => new Generator(socket, blocks, index))
  for (const generator of generators) generator.start()
  await sleep(WARM_UP_MS)
  const before = sinks.map(({ stanzas, bytes }) => ({ stanzas, bytes }))
  const end = measure(task.pids, task.beside)
  await sleep(task.seconds * 1000)
  const window = end()
  const taken = sinks.map((sink, index) => ({
    stanzas: sink.stanzas - (before[index]?.stanzas ?? 0),
    bytes: sink.bytes - (before[index]?.bytes ?? 0),
  }))
  for (const generator of generators) generator.stop()
  await drained(sinks)
  const sent = generators.reduce((sum, { bytes }) => sum + bytes, 0)
  const bytes = taken.reduce((sum, sink) => sum + sink.bytes, 0)
  const counted = taken.reduce((sum, sink) => sum + sink.stanzas, 0)
  const shares = taken.map(({ stanzas }) => stanzas)
  return {
    window,
    // A relay that knows no stanzas cuts them between two sinks, where neither can count them.
    stanzas: task.wiring === 'xmpp' ? counted : Math.floor(bytes / task.size),
    ...{ bytes, least: Math.min(...shares), most: Math.max(...shares) },
    missing: Math.max(0, Math.round(sent / task.size) - sinks.reduce((sum, { stanzas }) => sum + stanzas, 0)),
  }
}

async function wire(task: Flood): Promise<Wired> {
  if (task.wiring === 'xmpp') return wireComponents(task)
  if (task.wiring === 'split') {
    const sinks = await Promise.all(count(task.sinks, () => connectPlain(task.sinkPort ?? 0)))
    return {
      sinks: sinks.map((socket) => new Sink(socket, task.to)),
      senders: [await connectPlain(task.port)],
    }
  }
  const sinks: Sink[] = []
  const server = createServer((socket) => sinks.push(new Sink(socket, task.to)))
  await new Promise<void>((resolve) => server.listen(task.sinkPort ?? 0, '127.0.0.1', resolve))
  const address = server.address()
  const own = typeof address === 'object' && address !== null ? address.port : 0
  const port = task.wiring === 'none' ? own : task.port
  const senders = await Promise.all(count(task.sinks, () => connectPlain(port)))
  while (sinks.length < task.sinks) await sleep(10)
  return { senders, sinks }
}

async function wireComponents({ port, sinkPort = port, from, to, sinks }: Flood): Promise<Wired> {
  const receivers: Sink[] = []
  // One after the other: the first gets the first bucket.
  for (let index = 0; index < sinks; index++)
    receivers.push(new Sink(await connectComponent({ port: sinkPort, domain: to }), to))
  return { senders: [await connectComponent({ port, domain: from })], sinks: receivers }
}

async function drained(sinks: readonly Sink[]): Promise<void> {
  const deadline = performance.now() + DRAIN_MS
  for (let before = -1, now = total(sinks); now !== before && performance.now() < deadline; now = total(sinks)) {
    before = now
    await sleep(QUIET_MS)
  }
}

function total(sinks: readonly Sink[]): number {
  return sinks.reduce((sum, sink) => sum + sink.bytes, 0)
}

function count<T>(length: number, make: () => T): T[] {
  return Array.from({ length }, make)
}

console.log(JSON.stringify(await flood(JSON.parse(process.argv[2] ?? '{}'))))
// The sockets need no farewell: what was sent has come, and been confirmed.
process.exit(0)
