import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { type Redis, startRedis } from '../../peers/redis.ts'
import { SlowProxy } from '../../peers/slow-proxy.ts'
import { type GatewayProcess, startGatewayProcess } from '../../stub/gateway.ts'
import { RawInstance } from '../../stub/raw-instance.ts'

export const TOKEN = 'cluster-token'
/** Between two looks at a state that no event tells of. */
const LOOK_MILLISECONDS = 25
/** Longer than any recovery: ends a test that hangs, and measures nothing. */
const PATIENCE_MILLISECONDS = 20_000

/** What the nodes' config says beside name, ports and cluster. JSON is YAML. */
export type Settings = Readonly<Record<string, unknown>>

export interface NodeView {
  readonly name: string
  readonly incarnation: string
  readonly state: string
  readonly instances: number
}

export interface ExplainView {
  readonly bucket: number | null
  readonly outcome: string
  readonly instance: string | null
  readonly node: string | null
  readonly because: string
}

export interface InstanceView {
  readonly name: string
  readonly state: string
  readonly node: string
  readonly bucket: number | null
  /** By the node that answers. */
  readonly delivered: number
}

/** A real node, and its own way to Redis. */
export class Member {
  readonly name: string
  readonly process: GatewayProcess
  readonly redis: SlowProxy

  constructor(name: string, process: GatewayProcess, redis: SlowProxy) {
    this.name = name
    this.process = process
    this.redis = redis
  }

  /** An instance that answers pings, let in. */
  join(domain: string, secret: string): Promise<RawInstance> {
    return RawInstance.connect({ port: this.process.port, domain, secret })
  }

  async nodes(): Promise<readonly NodeView[]> {
    return ((await this.process.admin('/v1/nodes')) as { items: NodeView[] }).items
  }

  async instances(domain: string): Promise<readonly InstanceView[]> {
    return ((await this.process.admin(`/v1/domains/${domain}/instances`)) as { items: InstanceView[] }).items
  }

  async explain(domain: string, from: string, to = domain): Promise<ExplainView> {
    const query = `from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`
    return (await this.process.admin(`/v1/domains/${domain}/explain?${query}`)) as ExplainView
  }

  async incarnation(): Promise<string> {
    return (await this.nodes()).find(({ name }) => name === this.name)!.incarnation
  }

  /** A metric's value, summed over its series whose labels match. */
  async metric(name: string, labels = /^/): Promise<number> {
    const text = String(await this.process.admin('/metrics'))
    let sum = 0
    for (const [, series, value] of text.matchAll(new RegExp(`^${name}(\\{.*\\})? ([0-9.e+-]+)$`, 'gm'))) {
      if (labels.test(series ?? '')) sum += Number(value)
    }
    return sum
  }
}

export interface YardOptions {
  readonly settings: Settings
  /** Names of the nodes to start. */
  readonly nodes: readonly string[]
  /** Of `cluster`, beside `redis`. */
  readonly cluster?: Settings
}

/** What tells when the test is over: its context, or what stands for it in a suite. */
export interface Ending {
  after(end: () => unknown): void
}

/** A Redis and real nodes about it; all of them end with the test. */
export class Yard {
  readonly redis: Redis
  readonly #t: Ending
  readonly #options: YardOptions
  readonly #members = new Map<string, Member>()

  private constructor(t: Ending, redis: Redis, options: YardOptions) {
    this.#t = t
    this.redis = redis
    this.#options = options
  }

  static async start(t: Ending, options: YardOptions): Promise<Yard> {
    const redis = await startRedis()
    t.after(() => redis.stop())
    const yard = new Yard(t, redis, options)
    await Promise.all(options.nodes.map((name) => yard.startNode(name)))
    await yard.together()
    return yard
  }

  node(name: string): Member {
    const member = this.#members.get(name)
    assert.ok(member, `no node ${name} runs`)
    return member
  }

  get members(): readonly Member[] {
    return [...this.#members.values()]
  }

  /** The config of a node, as text; `more` replaces what it says at the top level. */
  async config(name: string, redis: SlowProxy, more: Settings = {}): Promise<string> {
    const cluster = { redis: `redis://127.0.0.1:${redis.port}`, ...this.#options.cluster }
    const own = { node: name, listen: [{ port: 0 }], admin: { port: 0, token: TOKEN }, cluster }
    return JSON.stringify({ drain: { seconds: 0 }, ...this.#options.settings, ...own, ...more })
  }

  /** Resolves when it is ready; rejects, with what it said, when it ends before. */
  async startNode(name: string, more: Settings = {}, env: Readonly<Record<string, string>> = {}): Promise<Member> {
    const proxy = await SlowProxy.open(this.redis.port)
    this.#t.after(() => proxy.close())
    const started = await startGatewayProcess(await this.config(name, proxy, more), 'dist', env)
    const member = new Member(name, started, proxy)
    this.#members.set(name, member)
    this.#t.after(async () => {
      started.resume()
      await started.kill()
      assert.deepEqual(started.log.all('bug'), [], `${name} has met a bug`)
    })
    return member
  }

  /** SIGKILL. */
  async kill(name: string): Promise<void> {
    const member = this.node(name)
    this.#members.delete(name)
    await member.process.kill()
  }

  /** Resolves when every node of these (all) sees exactly these, ready. */
  async together(names: readonly string[] = [...this.#members.keys()]): Promise<void> {
    const wanted = [...names].sort().join()
    for (const name of names) {
      await until(`${name} sees ${wanted}`, async () => {
        const nodes = await this.node(name).nodes()
        return (
          nodes
            .filter(({ state }) => state === 'ready')
            .map((node) => node.name)
            .sort()
            .join() === wanted
        )
      })
    }
  }

  /** Resolves when every node of these (all) sees so many instances of the domain. */
  async joined(domain: string, count: number, names: readonly string[] = [...this.#members.keys()]): Promise<void> {
    for (const name of names) {
      await until(
        `${name} sees ${count} instances`,
        async () => (await this.node(name).instances(domain)).length === count,
      )
    }
  }
}

/** Resolves when it holds, for a state that no event tells of; rejects when it has not for too long. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MILLISECONDS
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`it never came to be that ${what}`)
    await wait(LOOK_MILLISECONDS)
  }
}
