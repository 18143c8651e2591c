import {
  type Change,
  type Closing,
  type ClusterStore,
  type Fields,
  type Incarnation,
  type Mail,
  type Outcome,
  type Proposal,
  type Renewal,
  StoreUnreachable,
} from './cluster-store.ts'
import type { MemoryServer } from './memory-server.ts'

/** What becomes of a call. */
export type Fate =
  | 'done'
  /** Nobody is served: it is not carried out, and its caller is told so. */
  | 'refused'
  /** It never gets there: its caller is told that nothing came back. */
  | 'lost'
  /** It is carried out, and its caller is told that nothing came back. */
  | 'unheard'
  /** It gets there with `MemoryServer.release`, and is carried out then, even if its caller has given up. */
  | 'held'

/** What the calls of a store are called, for its `fate`. */
export type Call = Exclude<keyof ClusterStore, 'close'>

/** A call that has come to nothing for so many milliseconds has failed. */
const PATIENCE = 3000

/** A client of a `MemoryServer`, as a node has one: with a network of its own that can fail. */
export class MemoryStore implements ClusterStore {
  readonly #server: MemoryServer
  #isClosed = false
  /** Asked for every call. */
  fate: (call: Call) => Fate = () => 'done'
  /** How many milliseconds a call is under way; asked once for the way there, and once for the way back. */
  delay: () => number = () => 0

  constructor(server: MemoryServer) {
    this.#server = server
  }

  open(): Promise<void> {
    return this.#call('open', () => {})
  }
  close(): void {
    this.#isClosed = true
    this.#server.interrupt(this)
  }

  time(): Promise<number> {
    return this.#call('time', (server) => server.now())
  }
  renew(me: Incarnation, milliseconds: number): Promise<Renewal> {
    return this.#call('renew', (server) => server.renew(me, milliseconds))
  }
  commit(proposal: Proposal): Promise<Outcome> {
    return this.#call('commit', (server) => server.commit(proposal))
  }
  changes(epoch: number): Promise<Change> {
    return this.#call('changes', (server) => server.changes(epoch))
  }
  async awaitChange(epoch: number, milliseconds: number): Promise<void> {
    await this.#call('awaitChange', (server) =>
      server.wait(this, () => (server.epoch === epoch ? undefined : true), milliseconds),
    )
  }
  seed(epoch: number, fields: Fields, members: readonly Incarnation[], milliseconds: number): Promise<boolean> {
    return this.#call('seed', (server) => server.seed(epoch, fields, members, milliseconds))
  }

  openInbox(of: Incarnation): Promise<void> {
    return this.#call('openInbox', (server) => server.openInbox(of))
  }
  append(of: Incarnation, entries: readonly Buffer[]): Promise<boolean> {
    return this.#call('append', (server) => server.append(of, entries))
  }
  async read(of: Incarnation, after: string, count: number, milliseconds: number): Promise<readonly Mail[]> {
    const mails = await this.#call('read', (server) =>
      server.wait(this, () => server.read(of, after, count), milliseconds),
    )
    return mails ?? []
  }
  remove(of: Incarnation, ids: readonly string[]): Promise<void> {
    return this.#call('remove', (server) => server.remove(of, ids))
  }
  closeInbox(of: Incarnation): Promise<Closing> {
    return this.#call('closeInbox', (server) => server.closeInbox(of))
  }

  answer(task: string, text: string): Promise<void> {
    return this.#call('answer', (server) => server.answer(task, text))
  }
  async answers(task: string, from: number, milliseconds: number): Promise<readonly string[]> {
    const answers = await this.#call('answers', (server) =>
      server.wait(this, () => server.answers(task, from), milliseconds),
    )
    return answers ?? []
  }

  async #call<T>(call: Call, carryOut: (server: MemoryServer) => T | Promise<T>): Promise<T> {
    this.#assertOpen()
    const fate = this.fate(call)
    await this.#while(this.delay())
    this.#assertOpen()
    if (fate === 'refused') throw new StoreUnreachable(`${call}: refused`, true)
    if (fate === 'lost') return this.#silence(call)
    const server = this.#server
    const outcome = fate === 'held' ? await this.#held(call, carryOut) : await carryOut(server)
    if (fate === 'unheard') return this.#silence(call)
    await this.#while(this.delay())
    this.#assertOpen()
    return outcome
  }

  #held<T>(call: Call, carryOut: (server: MemoryServer) => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.#server.later(() => reject(silence(call)), PATIENCE)
      this.#server.hold(() => {
        cancel()
        Promise.resolve(carryOut(this.#server)).then(resolve, reject)
      })
    })
  }

  async #silence(call: Call): Promise<never> {
    await this.#while(PATIENCE)
    throw silence(call)
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreUnreachable('the store is closed', false)
  }

  #while(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return Promise.resolve()
    return new Promise((resolve) => void this.#server.later(resolve, milliseconds))
  }
}

function silence(call: Call): StoreUnreachable {
  return new StoreUnreachable(`${call}: nothing came back in ${PATIENCE} ms`, false)
}
