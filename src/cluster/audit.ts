import type { Change } from './cluster-store.ts'
import { compare, type Difference } from './consistency.ts'
import { type NodeState, nodeStateOf } from './node-state.ts'
import { recorded } from './recorded.ts'
import type { TaskResult } from './tasks.ts'

/** What the consistency check found. */
export interface Audit {
  /** Nothing differs, and every node has answered. */
  readonly consistent: boolean
  /** The epoch of the table that was compared. */
  readonly epoch: number
  /** The names of the nodes that were asked. */
  readonly nodes: readonly string[]
  readonly differences: readonly Difference[]
  /** The nodes that did not answer in time. */
  readonly silent: readonly string[]
}

export interface AuditParts {
  /** The whole table: `changes(0)` of the store. */
  table(): Promise<Change>
  /** Asks the members of that table for their states. */
  ask(table: Change): Promise<TaskResult>
  pause(milliseconds: number): Promise<void>
}

/** How often it is looked again, and after what time: what is only on its way is no difference. */
const looks = 4
const PAUSE = 700

/** Compares what every node has with the table; again, while something is on its way. */
export async function audit(parts: AuditParts): Promise<Audit> {
  for (let look = 1; ; look++) {
    const found = await lookOnce(parts)
    // One that did not answer in all its time will not in the next.
    if (found.consistent || found.silent.length > 0 || look === looks) return found
    await parts.pause(PAUSE)
  }
}

async function lookOnce({ table, ask }: AuditParts): Promise<Audit> {
  const change = await table()
  const { answers, silent } = await ask(change)
  const states: NodeState[] = []
  const differences: Difference[] = []
  for (const [name, answer] of answers) {
    const state = 'value' in answer ? nodeStateOf(answer.value) : undefined
    const why = 'error' in answer ? answer.error : 'its state cannot be read: it is of another release'
    if (state === undefined) differences.push({ kind: 'node-unreadable', text: `node ${name}: ${why}`, nodes: [name] })
    else states.push(state)
  }
  const fields = new Map([...change.delta].flatMap(([field, text]) => (text === null ? [] : [[field, text] as const])))
  differences.push(...compare(recorded(change.epoch, fields), states))
  const nodes = [...answers.keys(), ...silent].sort()
  return { consistent: differences.length + silent.length === 0, epoch: change.epoch, nodes, differences, silent }
}

/** Who is in a table: whom to ask. */
export function membersOf({
  epoch,
  delta,
}: Change): readonly { readonly name: string; readonly incarnation: string }[] {
  const fields = new Map([...delta].flatMap(([field, text]) => (text === null ? [] : [[field, text] as const])))
  return [...recorded(epoch, fields).members].map(([incarnation, name]) => ({ name, incarnation }))
}
