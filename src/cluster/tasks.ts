import { escapeForLog, type Log, logEvent } from '../log.ts'
import type { Incarnation } from './cluster-store.ts'
import type { Loan } from './store-loans.ts'
import { answerOf, cancelText, type TaskAnswer, type TaskName, taskNames, taskOf, taskText } from './task-text.ts'

const visitor = 'visitor-'

/** A name for one who asks and is no node. Nothing is ever to be sent to it: it has no inbox. */
export function visitorCalled(random: string): Incarnation {
  return visitor + random
}
export function isVisitor(sender: Incarnation): boolean {
  return sender.startsWith(visitor)
}

/** What a node does for each task: what it resolves with is the answer, as JSON. The signal says that nobody waits for it any more. */
export type TaskHandlers = Readonly<Record<TaskName, (asked: unknown, signal: AbortSignal) => unknown>>

export interface TaskNode {
  readonly name: string
  readonly incarnation: Incarnation
}

/** One life of this node in its cluster, as a task uses it from beginning to end: a reload may end that life meanwhile. */
export interface TaskLife extends Omit<Loan, 'store'> {
  readonly store: Pick<Loan['store'], 'answer' | 'answers'>
  /** Puts a text into another node's inbox, where it reaches `handle`. */
  send(to: Incarnation, text: string): void
  /** By the store's clock: milliseconds since 1970. */
  time(): number
}

export interface TaskResult {
  /** By the node's name. */
  readonly answers: ReadonlyMap<string, TaskAnswer>
  /** The names of those that did not answer in time. */
  readonly silent: readonly string[]
}

export interface TasksParts {
  readonly me: () => TaskNode
  /** The live nodes, this one or not among them; none for a node that has no table of its cluster yet. */
  nodes(): readonly TaskNode[]
  /** Whether other nodes can be asked now. A node without a cluster need ask nobody else. */
  isUp(): boolean
  /** Undefined for a node that is not in a cluster. */
  borrow(): TaskLife | undefined
  readonly handlers: TaskHandlers
  /** How long answers are waited for. */
  seconds(): number
  readonly newId: () => string
  /** Monotonic, in milliseconds. */
  readonly now: () => number
  /** Resolves after that time, or as soon as the signal is given. */
  pause(milliseconds: number, signal?: AbortSignal): Promise<void>
  readonly log: Log
}

/** Tasks at once, asked by one node and done by one node: more are refused. Samples take minutes, and leave half of it to others. */
const mostAsked = 16
const mostDone = 32
const mostOf = (what: TaskName, most: number): number => (what === 'sample' ? most / 2 : most)
/** A node with 20 000 instances answers 3 MB. */
const mostCharacters = 16 * 1024 ** 2
/** One wait for answers: a store is not to hold a connection for longer. And between two tries while it fails. */
const WAIT = 1000
const RETRY = 250

/** Asks nodes to do something, and does what others ask of this one. It takes part itself, without the store. */
export class Tasks {
  readonly #parts: TasksParts
  /** Of what is being done for other nodes, by the task's id. */
  readonly #cancels = new Map<string, AbortController>()
  #asked = 0
  #doing = 0

  constructor(parts: TasksParts) {
    this.#parts = parts
  }

  /** The live nodes, this one among them. */
  get everybody(): readonly TaskNode[] {
    const me = this.#parts.me()
    const nodes = this.#parts.nodes()
    return nodes.some(({ incarnation }) => incarnation === me.incarnation) ? nodes : [me, ...nodes]
  }
  /** Whether other nodes can be asked now. */
  get isUp(): boolean {
    return this.#parts.isUp()
  }

  /**
   * Asks all nodes, or those that are given; resolves when all have answered, the time is over, or the signal is given.
   * Rejects at once when others are to be asked and cannot be: what they find when the store is back is not done late.
   */
  async ask(
    what: TaskName,
    value: unknown = null,
    among?: readonly TaskNode[],
    seconds = this.#parts.seconds(),
    signal?: AbortSignal,
  ): Promise<TaskResult> {
    if (this.#asked >= mostOf(what, mostAsked)) throw new Error(`${this.#asked} tasks wait for answers already`)
    const everybody = among ?? this.everybody
    const me = this.#parts.me()
    const others = everybody.filter(({ incarnation }) => incarnation !== me.incarnation)
    const life = this.#lifeToAsk(others)
    const answers = new Map<string, TaskAnswer>()
    this.#asked++
    try {
      await Promise.all([
        life && this.#askOthers(life, what, value, others, answers, seconds, signal),
        everybody.length > others.length ? this.#askMyself(me.name, what, value, answers, seconds, signal) : undefined,
      ])
    } finally {
      this.#asked--
      life?.giveBack()
    }
    // What comes now is too late: who asked is told what was there in time.
    const inTime = new Map(answers)
    const silent = everybody.map(({ name }) => name).filter((name) => !inTime.has(name))
    if (signal?.aborted !== true) this.#tell(what, inTime, silent, seconds)
    return { answers: inTime, silent }
  }

  /** What came from another node: does it and answers, also long after; or gives up what is being done. */
  async handle(text: string): Promise<void> {
    const asked = taskOf(text)
    // Of another release, or nobody's who waits for an answer.
    if (asked === undefined) return
    if (typeof asked === 'string') return this.#cancels.get(asked)?.abort()
    const { id, what, value, until } = asked
    const { me, borrow, log } = this.#parts
    // Of now: what is asked may end them.
    const [self, life] = [me(), borrow()]
    if (life === undefined) return
    try {
      const late = until === undefined ? 0 : life.time() - until
      if (late > 0) {
        // Who shows how busy the nodes are asks every other second: what it lacks it says.
        if (what !== 'usage') logEvent(log, 'cluster-task-late', { task: escapeForLog(what), seconds: late / 1000 })
        return
      }
      const gone = new AbortController()
      this.#cancels.set(id, gone)
      const done = await this.#do(what, value, gone.signal).finally(() => this.#cancels.delete(id))
      if (gone.signal.aborted) return
      const answered = JSON.stringify({ ...self, ...done })
      const isShort = answered.length <= mostCharacters
      const error = `the answer has ${answered.length} characters, more than ${mostCharacters}`
      await life.store.answer(id, isShort ? answered : JSON.stringify({ ...self, error }))
    } catch {
      // Who asked names this node among those that did not answer; here it is told, too.
      logEvent(log, 'cluster-task', { task: what, unanswered: true })
    } finally {
      life.giveBack()
    }
  }

  #lifeToAsk(others: readonly TaskNode[]): TaskLife | undefined {
    const { isUp, nodes, borrow } = this.#parts
    // Without others there is nobody to ask; but who has no table, and is in a cluster, does not know of any.
    if (others.length === 0 && (isUp() || nodes().length > 0)) return undefined
    const life = isUp() ? borrow() : undefined
    if (life === undefined)
      throw new Error('this node does not reach Redis, so no other can be asked: nothing was done')
    return life
  }

  async #askMyself(
    name: string,
    what: TaskName,
    value: unknown,
    answers: Map<string, TaskAnswer>,
    seconds: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const over = new AbortController()
    const ends = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal])
    const done = this.#do(what, value, ends).then((answer) => answers.set(name, answer))
    await Promise.race([done, this.#parts.pause(seconds * 1000, ends)])
    over.abort()
  }

  async #askOthers(
    { send, store, time }: TaskLife,
    what: TaskName,
    value: unknown,
    others: readonly TaskNode[],
    answers: Map<string, TaskAnswer>,
    seconds: number,
    signal?: AbortSignal,
  ): Promise<void> {
    const { newId, now, pause } = this.#parts
    const id = newId()
    const text = taskText(id, what, value, time() + seconds * 1000)
    for (const { incarnation } of others) send(incarnation, text)
    await collect(id, others, answers, { store, seconds: () => seconds, now, pause, ...(signal && { signal }) })
    const late = others.filter(({ name }) => !answers.has(name))
    for (const { incarnation } of late) send(incarnation, cancelText(id))
  }

  #tell(what: TaskName, answers: TaskResult['answers'], silent: readonly string[], seconds: number): void {
    const failed = [...answers].filter(([, answer]) => 'error' in answer).map(([name]) => name)
    const isLook = what === 'state' || what === 'sample'
    if (what === 'usage' || (isLook && silent.length === 0 && failed.length === 0)) return
    const nodes = answers.size + silent.length
    logEvent(this.#parts.log, 'cluster-task', { task: what, nodes, silent, failed, seconds })
  }

  async #do(what: string, value: unknown, signal: AbortSignal): Promise<TaskAnswer> {
    const name = taskNames.find((known) => known === what)
    if (name === undefined) return { error: `the task ${JSON.stringify(what.slice(0, 100))} is not known here` }
    if (this.#doing >= mostOf(name, mostDone)) return { error: `${this.#doing} tasks are being done already` }
    this.#doing++
    try {
      return { value: (await this.#parts.handlers[name](value, signal)) ?? null }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    } finally {
      this.#doing--
    }
  }
}

/** What collecting answers needs: also for one that asks and is no node. */
export interface Collecting extends Pick<TasksParts, 'seconds' | 'now' | 'pause'> {
  readonly store: Pick<Loan['store'], 'answers'>
  readonly signal?: AbortSignal
}

/** Waits for the answers of nodes that were asked; each one's first counts. A store that fails is asked again. */
export async function collect(
  id: string,
  asked: readonly TaskNode[],
  into: Map<string, TaskAnswer>,
  { store, seconds, now, pause, signal }: Collecting,
): Promise<void> {
  const missing = new Map(asked.map(({ incarnation, name }) => [incarnation, name]))
  const given = new Promise<readonly string[]>((resolve) => {
    signal?.addEventListener('abort', () => resolve([]), { once: true })
  })
  const end = now() + seconds() * 1000
  let seen = 0
  for (let left = end - now(); missing.size > 0 && left > 0 && signal?.aborted !== true; left = end - now()) {
    const until = now() + Math.min(left, WAIT)
    const texts = await Promise.race([store.answers(id, seen, until - now()).catch(() => []), given])
    for (const text of texts) {
      seen++
      const answer = answerOf(text)
      const name = answer && missing.get(answer.incarnation)
      if (answer === undefined || name === undefined) continue
      missing.delete(answer.incarnation)
      into.set(name, answer.answer)
    }
    // A read that fails, or says at once that there is nothing, is not to be made in every turn of the event loop.
    if (texts.length === 0 && now() < until) await pause(Math.min(until - now(), RETRY), signal)
  }
}
