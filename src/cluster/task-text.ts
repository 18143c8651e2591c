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

/** What a node is asked. */
export interface Task {
  readonly id: string
  /** Of another release it may be none of `taskNames`. */
  readonly what: string
  readonly value: unknown
  /** Nobody waits for the answer after this time, by the store's clock: milliseconds since 1970. Older releases do not say. */
  readonly until: number | undefined
}

/** What a node answered: a value, or why it could not do it. */
export type TaskAnswer = { readonly value: unknown } | { readonly error: string }

/** The text of a task, which travels as news. */
export function taskText(id: string, what: TaskName, value: unknown, until: number): string {
  return JSON.stringify({ id, what, value, until })
}

/** The text by which whoever asked says that nobody waits for a task's answer any more. Older releases leave it alone. */
export function cancelText(id: string): string {
  return JSON.stringify({ cancel: id })
}

/** A task, or the id of one that is cancelled; undefined for what is neither. */
export function taskOf(text: string): Task | string | undefined {
  const task = parsed(text)
  if (!isRecord(task)) return undefined
  const { id, what, value = null, until, cancel } = task
  if (typeof cancel === 'string') return cancel
  if (typeof id !== 'string' || typeof what !== 'string') return undefined
  return { id, what, value, until: typeof until === 'number' ? until : undefined }
}

/** An answer, and whose it is. */
export function answerOf(text: string): { readonly incarnation: Incarnation; readonly answer: TaskAnswer } | undefined {
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
