import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Cluster } from '../../config/config.ts'
import { loadConfigFile } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { type Audit, audit, membersOf } from '../cluster/audit.ts'
import type { Change, ClusterStore } from '../cluster/cluster-store.ts'
import { EntryWriter } from '../cluster/entry-codec.ts'
import { TASK_TOPIC, type TaskAnswer, taskText } from '../cluster/task-text.ts'
import { collect, type TaskResult, visitorCalled } from '../cluster/tasks.ts'
import type { CheckIo } from './check.ts'

/** The store of a configuration; nothing has been asked of it yet. */
export type OpenStore = (cluster: Cluster) => Promise<ClusterStore>

/** Opens the Redis of a configuration. What talks to it is loaded when it is wanted. */
export function redisStore(io: Pick<CheckIo, 'readFile'>): OpenStore {
  return async ({ redis: urls, sentinel, key_prefix: prefix, ca }) => {
    const { RedisStore } = await import('../cluster/redis-store.ts')
    const named = sentinel === undefined ? {} : { sentinel }
    const trusted = ca === undefined ? {} : { ca: io.readFile(ca) }
    return new RedisStore({ urls, prefix, ...named, ...trusted })
  }
}

/**
 * `switchyard check --cluster`: asks every node of the cluster what it has, and compares that with Redis. Prints what
 * differs, one to a line, and who did not answer; or that nothing does. Returns the exit code, 1 or 0.
 */
export async function checkCluster(path: string, io: CheckIo, openStore: OpenStore): Promise<0 | 1> {
  const { config, problems } = loadConfigFile(path, io)
  if (config === undefined) {
    io.stderr(problems.map((problem) => `${formatProblem(problem)}\n`).join(''))
    return 1
  }
  const { cluster } = config
  if (cluster === undefined) {
    io.stderr(`${path}: has no cluster to check\n`)
    return 1
  }
  const store = await openStore(cluster)
  try {
    await store.open()
    const found = await audit({
      table: () => store.changes(0),
      ask: asking(store, cluster.task_seconds),
      pause: (milliseconds) => pause(milliseconds),
    })
    io.stdout(report(found, cluster.task_seconds))
    return found.consistent && found.nodes.length > 0 ? 0 : 1
  } catch (error) {
    io.stderr(`the cluster cannot be checked: ${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  } finally {
    store.close()
  }
}

/** Asks as a node would, as an incarnation that is no member: what it asks is heard, and nobody waits for it. */
function asking(store: ClusterStore, seconds: number): (table: Change) => Promise<TaskResult> {
  const writer = new EntryWriter(visitorCalled(random()))
  let number = 0
  return async (table) => {
    const members = membersOf(table)
    const id = random()
    writer.news(TASK_TOPIC, taskText(id, 'state', null, (await store.time()) + seconds * 1000))
    const entry = writer.seal({ number: ++number, taken: 0, isNote: false, isAsking: false, isMissing: false })
    const sent = await Promise.all(members.map(({ incarnation }) => store.append(incarnation, [entry])))
    // One without an inbox is leaving, or has just died: it cannot answer.
    const asked = members.filter((_member, index) => sent[index])
    const answers = new Map<string, TaskAnswer>()
    await collect(id, asked, answers, {
      store,
      seconds: () => seconds,
      now: () => performance.now(),
      pause: (milliseconds) => pause(milliseconds),
    })
    return { answers, silent: members.map(({ name }) => name).filter((name) => !answers.has(name)) }
  }
}

function report({ consistent, epoch, nodes, differences, silent }: Audit, seconds: number): string {
  if (nodes.length === 0) return 'no node is in the cluster\n'
  const among = `${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}`
  if (consistent) return `${among} and Redis agree, at epoch ${epoch}: ${nodes.join(', ')}\n`
  const lines = [
    ...differences.map(({ kind, text }) => `${kind}: ${text}`),
    ...silent.map((name) => `silent: node ${name} has not answered within ${seconds} s`),
  ]
  return `${lines.join('\n')}\n`
}

const random = (): string => randomBytes(8).toString('hex')
