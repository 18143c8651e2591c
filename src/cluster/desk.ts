import { type Audit, audit, membersOf } from './audit.ts'
import type { Change } from './cluster-store.ts'
import type { TaskName } from './task-text.ts'
import type { TaskNode, TaskResult } from './tasks.ts'

/** As `Tasks` does it. */
interface Asking {
  readonly everybody: readonly TaskNode[]
  ask(what: TaskName, value?: unknown, among?: readonly TaskNode[]): Promise<TaskResult>
}

export interface DeskParts {
  readonly tasks: Asking
  readonly me: () => TaskNode
  /** The whole table: `changes(0)` of the store; undefined for a node without a cluster. */
  readonly table: () => Promise<Change | undefined>
  pause(milliseconds: number): Promise<void>
}

/** What people ask of all nodes by way of this one. */
export class Desk {
  readonly #parts: DeskParts
  #auditing: Promise<Audit> | undefined

  constructor(parts: DeskParts) {
    this.#parts = parts
  }

  /** Compares all nodes with the table. Whoever asks meanwhile gets the same answer. */
  consistency(): Promise<Audit> {
    this.#auditing ??= this.#audit().finally(() => {
      this.#auditing = undefined
    })
    return this.#auditing
  }

  /** Has every node read its configuration anew. */
  reload(): Promise<TaskResult> {
    return this.#parts.tasks.ask('reload')
  }

  /** Has a node drain and stop; undefined when there is none of that name. */
  async drain(name: string): Promise<TaskResult | undefined> {
    const { tasks } = this.#parts
    const node = tasks.everybody.find((known) => known.name === name)
    return node && tasks.ask('drain', null, [node])
  }

  /** Has a node act on one of its instances; undefined when there is no node of that name. */
  async instance(name: string, action: string, domain: string, instance: string): Promise<TaskResult | undefined> {
    const { tasks } = this.#parts
    const node = tasks.everybody.find((known) => known.name === name)
    return node && tasks.ask('instance', { action, domain, instance }, [node])
  }

  async #audit(): Promise<Audit> {
    const { tasks, me, table, pause } = this.#parts
    if ((await table()) === undefined) {
      return { consistent: true, epoch: 0, nodes: [me().name], differences: [], silent: [] }
    }
    return audit({
      table: async () => (await table()) ?? { epoch: 0, delta: new Map(), isWhole: true },
      ask: (change) => {
        const members = membersOf(change)
        const isMember = members.some(({ incarnation }) => incarnation === me().incarnation)
        return tasks.ask('state', null, isMember ? members : [...members, me()])
      },
      pause,
    })
  }
}
