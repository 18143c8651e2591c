import { type Log, logEvent } from '../log.ts'
import type { Incarnation } from './cluster-store.ts'
import { isRecord } from './node-state.ts'

/**
 * What nodes may be asked: to read their configurations anew, to drain and stop, to act on one of their instances, to say
 * what they have, how busy they are, and whose stanzas they balance.
 */
export const taskNames = ['reload', 'drain', 'instance', 'state', 'usage', 'sample'] as const
export type TaskName = (typeof taskNames)[number]

/** The topic of news that is a task (`entry.ts`). */
export const TASK_TOPIC = 'task'

const visitor = 'visitor-'

/** A name for one who asks and is no node. Nothing is ever to be sent to it: it has no inbox. */
export function visitorCalled(random: string): Incarnation {
  return visitor + random
}
export function isVisitor(sender: Incarnation): boolean {
  return sender.startsWith(visitor)
}

/** What a node does for each task: what it resolves with is the answer, as JSON. */
export type TaskHandlers = Readonly<Record<TaskName, (asked: unknown) => unknown>>

export interface TaskNode {
  readonly name: string
  readonly incarnation: Incarnation
}

/** What a node answered: a value, or why it could not do it. */
export type TaskAnswer = { readonly value: unknown } | { readonly error: string }

export interface TaskResult {
  /** By the node's name. */
  readonly answers: ReadonlyMap<string, TaskAnswer>
  /** The names of those that did not answer in time. */
  readonly silent: readonly string[]
}

export interface TasksParts {
  readonly me: () => TaskNode
  /** The live nodes, this one or not among them. */
  nodes(): readonly TaskNode[]
  /** Puts a text into another node's inbox, where it reaches `handle`. */
  send(to: Incarnation, text: string): void
  /** `ClusterStore.answer`. */
  answer(task: string, text: string): Promise<void>
  /** `ClusterStore.answers`. */
  answers(task: string, from: number, milliseconds: number): Promise<readonly string[]>
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

/** Tasks at once, asked by one node and done by one node: more are refused. */
const mostAsked = 16
const mostDone = 32
/** A node with 20 000 instances answers 3 MB. */
const mostCharacters = 16 * 1024 ** 2
/** One wait for answers: a store is not to hold a connection for longer. And between two tries while it fails. */
const WAIT = 1000
const RETRY = 250

/** Asks nodes to do something, and does what others ask of this one. It takes part itself, without the store. */
export class Tasks {
  readonly #parts: TasksParts
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

  /** Asks all nodes, or those that are given; resolves when all have answered, or the time is over. */
  async ask(
    what: TaskName,
    value: unknown = null,
    among?: readonly TaskNode[],
    seconds = this.#parts.seconds(),
  ): Promise<TaskResult> {
    const { me, log } = this.#parts
    if (this.#asked >= mostAsked) throw new Error(`${this.#asked} tasks wait for answers already`)
    this.#asked++
    try {
      const everybody = among ?? this.everybody
      const others = everybody.filter(({ incarnation }) => incarnation !== me().incarnation)
      const answers = new Map<string, TaskAnswer>()
      const own = everybody.length > others.length ? this.#askMyself(what, value, answers, seconds) : undefined
      if (others.length > 0) await this.#askOthers(what, value, others, answers, seconds)
      await own
      // What comes now is too late: who asked is told what was there in time.
      const inTime = new Map(answers)
      const silent = everybody.map(({ name }) => name).filter((name) => !inTime.has(name))
      const failed = [...inTime].filter(([, answer]) => 'error' in answer).map(([name]) => name)
      const isQuiet =
        what === 'usage' || ((what === 'state' || what === 'sample') && silent.length === 0 && failed.length === 0)
      if (!isQuiet) {
        logEvent(log, 'cluster-task', { task: what, nodes: everybody.length, silent, failed, seconds })
      }
      return { answers: inTime, silent }
    } finally {
      this.#asked--
    }
  }

  /** What came from another node: does it and answers, also long after. */
  async handle(text: string): Promise<void> {
    const asked = taskOf(text)
    // Of another release, or nobody's who waits for an answer.
    if (asked === undefined) return
    const { answer, me, log } = this.#parts
    const done = await this.#do(asked.what, asked.value)
    const answered = JSON.stringify({ ...me(), ...done })
    const isShort = answered.length <= mostCharacters
    const error = `the answer has ${answered.length} characters, more than ${mostCharacters}`
    try {
      await answer(asked.id, isShort ? answered : JSON.stringify({ ...me(), error }))
    } catch {
      // Who asked names this node among those that did not answer; here it is told, too.
      logEvent(log, 'cluster-task', { task: asked.what, unanswered: true })
    }
  }

  async #askMyself(what: TaskName, value: unknown, answers: Map<string, TaskAnswer>, seconds: number): Promise<void> {
    const { me, pause } = this.#parts
    const over = new AbortController()
    const done = this.#do(what, value).then((answer) => answers.set(me().name, answer))
    await Promise.race([done, pause(seconds * 1000, over.signal)])
    over.abort()
  }

  async #askOthers(
    what: TaskName,
    value: unknown,
    others: readonly TaskNode[],
    answers: Map<string, TaskAnswer>,
    seconds: number,
  ): Promise<void> {
    const { send, newId } = this.#parts
    const id = newId()
    const text = taskText(id, what, value)
    for (const { incarnation } of others) send(incarnation, text)
    await collect(id, others, answers, { ...this.#parts, seconds: () => seconds })
  }

  async #do(what: string, value: unknown): Promise<TaskAnswer> {
    const name = taskNames.find((known) => known === what)
    if (name === undefined) return { error: `the task ${JSON.stringify(what.slice(0, 100))} is not known here` }
    if (this.#doing >= mostDone) return { error: `${this.#doing} tasks are being done already` }
    this.#doing++
    try {
      return { value: (await this.#parts.handlers[name](value)) ?? null }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    } finally {
      this.#doing--
    }
  }
}

/** The text of a task, which travels as news. */
export function taskText(id: string, what: TaskName, value: unknown): string {
  return JSON.stringify({ id, what, value })
}

/** What collecting answers needs: also for one that asks and is no node. */
export type Collecting = Pick<TasksParts, 'answers' | 'seconds' | 'now' | 'pause'>

/** Waits for the answers of nodes that were asked; each one's first counts. A store that fails is asked again. */
export async function collect(
  id: string,
  asked: readonly TaskNode[],
  into: Map<string, TaskAnswer>,
  { answers, seconds, now, pause }: Collecting,
): Promise<void> {
  const missing = new Map(asked.map(({ incarnation, name }) => [incarnation, name]))
  const end = now() + seconds() * 1000
  let seen = 0
  for (let left = end - now(); missing.size > 0 && left > 0; left = end - now()) {
    const texts = await answers(id, seen, Math.min(left, WAIT)).catch(() => undefined)
    if (texts === undefined) await pause(Math.min(left, RETRY))
    for (const text of texts ?? []) {
      seen++
      const answer = answerOf(text)
      const name = answer && missing.get(answer.incarnation)
      if (answer === undefined || name === undefined) continue
      missing.delete(answer.incarnation)
      into.set(name, answer.answer)
    }
  }
}

function taskOf(text: string): { readonly id: string; readonly what: string; readonly value: unknown } | undefined {
  const task = parsed(text)
  if (!isRecord(task) || typeof task.id !== 'string' || typeof task.what !== 'string') return undefined
  return { id: task.id, what: task.what, value: task.value ?? null }
}

function answerOf(text: string): { readonly incarnation: Incarnation; readonly answer: TaskAnswer } | undefined {
  const answer = parsed(text)
  if (!isRecord(answer) || typeof answer.incarnation !== 'string') return undefined
  const { incarnation, error, value } = answer
  return { incarnation, answer: typeof error === 'string' ? { error } : { value: value ?? null } }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
