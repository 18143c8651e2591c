import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ClusterPlan, nodeConfig, planCluster } from './demo-cluster-config.ts'
import type { Ledger } from './demo-ledger.ts'
import { Member } from './demo-member.ts'
import { demoDomains, type LogLine } from './demo-node.ts'
import { DemoProcess } from './demo-processes.ts'
import { DemoRedis } from './demo-redis.ts'
import { UserGroup } from './demo-users.ts'

export interface CrewParts {
  readonly program: string
  /** How many nodes. */
  readonly count: number
  readonly ledger: Ledger
  readonly onLog: (line: LogLine) => void
  /** Something ended that should not have, in a sentence. */
  readonly onMishap: (what: string) => void
  /** A group of users has another node now; it has sent so many stanzas again. */
  readonly onMoved: (group: number, port: number, again: number) => void
}

/** All that the cluster demo starts: Redis, the nodes, an instance at each, and users at each. */
export class Crew {
  readonly #parts: CrewParts
  readonly #folder = mkdtempSync(join(tmpdir(), 'switchyard-demo-'))
  readonly members: Member[] = []
  readonly instances: DemoProcess[] = []
  readonly groups: UserGroup[] = []
  #redis: DemoRedis | undefined
  #plan: ClusterPlan | undefined

  constructor(parts: CrewParts) {
    this.#parts = parts
  }

  /** Resolves with what it is, for people. */
  async startRedis(): Promise<string> {
    this.#redis = await DemoRedis.start()
    const { what, port } = this.#redis
    this.#plan = planCluster(this.#parts.count, port)
    return `${what} at 127.0.0.1:${port}`
  }

  /** Resolves when they are ready. */
  async startNodes(): Promise<void> {
    const plan = this.#planned
    const { program, onLog, onMishap } = this.#parts
    for (const name of plan.nodes) {
      const member = new Member({
        ...{ program, name, folder: this.#folder, token: plan.token, onLog },
        config: (ports) => nodeConfig(plan, name, ports),
        onDeath: (how: string) => onMishap(`${name} ended by itself (${how})`),
      })
      this.members.push(member)
    }
    await Promise.all(this.members.map((member) => member.start()))
  }

  /** One at each node; resolves when they are online. */
  async startInstances(): Promise<void> {
    const { instances, secrets } = this.#planned
    const started = instances.map((name, index) => {
      const [port = 0, ...others] = this.#portsFrom(index)
      const secret = secrets.get(name) ?? ''
      const plan = { port, others, name, domain: demoDomains.echo, users: `.${demoDomains.users}`, secret }
      return DemoProcess.start(this.#parts.program, plan)
    })
    const settled = await Promise.allSettled(started)
    // Those that got online have to be stopped, whatever became of the others.
    for (const one of settled) if (one.status === 'fulfilled') this.instances.push(one.value)
    for (const one of settled) if (one.status === 'rejected') throw one.reason
  }

  /** Resolves when all users have a stream. */
  async startUsers(): Promise<void> {
    const { users, secrets } = this.#planned
    const { ledger, onMoved } = this.#parts
    const started = users.map(async (domain, index) => {
      const group = new UserGroup({
        ...{ index, groups: users.length, ports: this.#portsFrom(index), domain, secret: secrets.get(domain) ?? '' },
        ...{ to: demoDomains.echo, ledger, onMoved: (port: number, again: number) => onMoved(index, port, again) },
      })
      this.groups.push(group)
      await group.start()
    })
    await Promise.all(started)
  }

  /** The node whose port this is. */
  nodeAt(port: number | undefined): string {
    return this.members.find(({ ports }) => ports.component === port)?.name ?? 'no node'
  }

  async stop(): Promise<void> {
    for (const group of this.groups) group.stop()
    await Promise.all(this.instances.map((instance) => instance.stop()))
    await Promise.all(this.members.map((member) => member.stop()))
    await this.#redis?.stop()
    this.#removeFolder()
  }

  /** The same at once, for a process that ends now. The instances end when they see it gone. */
  end(): void {
    for (const member of this.members) member.end()
    this.#redis?.end()
    this.#removeFolder()
  }

  #removeFolder(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  get #planned(): ClusterPlan {
    if (this.#plan === undefined) throw new Error('the nodes need Redis first')
    return this.#plan
  }

  /** The port of this node, then those of the nodes after it. */
  #portsFrom(index: number): readonly number[] {
    const ports = this.members.map(({ ports }) => ports.component)
    return [...ports.slice(index), ...ports.slice(0, index)]
  }
}
