import type { Incarnation } from '../../src/cluster/cluster-store.ts'
import type { Destination, Run } from '../../src/cluster/entry.ts'
import type { PostHandler } from '../../src/cluster/inbox.ts'
import { Post } from '../../src/cluster/post.ts'
import type { Ticket } from '../../src/stream/queue.ts'
import { FaultyStore } from './faulty-store.ts'
import { seeded, VirtualTime } from './virtual-time.ts'

export const shop: Destination = { domain: 'shop.example', instance: 'one' }
export const other: Destination = { domain: 'shop.example', instance: 'two' }
export const server: Destination = { domain: 'shop.example', instance: undefined }

/** What a node has been handed, as lines in the order in which it came. */
export class Recorder implements PostHandler {
  readonly lines: string[] = []
  readonly tickets: Ticket[] = []
  readonly runs: Run[] = []
  /** Retains the ticket of every run. */
  isKeeping = false

  run(sender: Incarnation, run: Run, ticket: Ticket): void {
    this.lines.push(`${sender}: ${run.bytes} for ${nameOf(run.to)}`)
    this.runs.push(run)
    if (!this.isKeeping) return
    ticket.retain()
    this.tickets.push(ticket)
  }
  confirmed(sender: Incarnation, to: Destination, number: number): void {
    this.lines.push(`${sender}: confirms ${number} for ${nameOf(to)}`)
  }
  answered(sender: Incarnation, to: Destination, key: string): void {
    this.lines.push(`${sender}: ${key} answered for ${nameOf(to)}`)
  }
  news(sender: Incarnation, topic: string, text: string): void {
    this.lines.push(`${sender}: ${topic} ${text}`)
  }
  unreadable(sender: Incarnation | undefined, _id: string, reason: string): void {
    this.lines.push(`${sender}: unreadable: ${reason}`)
  }
  reach(isUp: boolean): void {
    this.lines.push(isUp ? 'up' : 'down')
  }
}

export function nameOf({ domain, instance }: Destination): string {
  return instance ?? domain
}

/** Of what waits for one other node: more than any test sends. */
export const limit = (): number => 64 * 1024 * 1024

export interface Node {
  readonly post: Post
  readonly seen: Recorder
}

/** A store, and time for it. */
export class Lab {
  readonly time = new VirtualTime()
  readonly random = seeded(1)
  readonly store = new FaultyStore(this.time, this.random)

  node(me: Incarnation, mayWrite?: () => boolean): Node {
    const seen = new Recorder()
    const post = new Post({
      store: this.store.asStore,
      me,
      handler: seen,
      timing: this.time,
      random: this.random,
      limit,
      ...(mayWrite === undefined ? {} : { mayWrite }),
    })
    post.start()
    return { post, seen }
  }
}

/** One stanza. */
export function send(post: Post, node: Incarnation, text: string, to = shop, written = (): void => {}): void {
  post.to(node).run(to, 1, 0, 0, 1, Buffer.from(text), written)
}
