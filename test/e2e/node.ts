import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { Gateway } from '../../src/gateway.ts'
import { createLog } from '../../src/log.ts'
import type { Patience } from '../../src/watch.ts'
import { StubInstance } from '../stub/instance.ts'

/** Two domains, and limits small enough to be met byte by byte. */
export const twoDomains = `
node: yard
listen: [{port: 0}]
domains:
  echo.localhost: {secret: swordfish}
  other.localhost: {secret: swordfish}
drain: {seconds: 0}
log: {level: error}
`

export function configOf(text: string, files: Readonly<Record<string, string>> = {}): Config {
  const readFile = (path: string) => files[path] ?? (existsSync(path) ? readFileSync(path, 'utf8') : '')
  const { config, problems } = loadConfig(text, { file: 'yard.yaml', env: {}, hostname: 'box', readFile })
  assert.deepEqual(problems?.map(formatProblem) ?? [], [])
  return config!
}

/** A running node and the lines that it has logged. */
export interface Node {
  readonly gateway: Gateway
  readonly port: number
  readonly logged: readonly { readonly code: string; readonly [field: string]: unknown }[]
  /** Resolves when such a line has been logged, or was already. */
  log(code: string): Promise<void>
  join(domain: string, secret?: string): Promise<StubInstance>
  reload(text: string): Promise<void>
  counts(domain: string): Counts
}

export interface Counts {
  readonly received: number
  readonly ended: number
  readonly held: number
  readonly bounced: number
  readonly dropped: number
}

/** Starts a node, and stops it with the test. */
export async function startNode(t: TestContext, text: string, level = 'info', patience?: Patience): Promise<Node> {
  const logged: { code: string }[] = []
  const waiting: (() => void)[] = []
  const write = (line: string): void => {
    logged.push(JSON.parse(line))
    for (const wake of waiting.splice(0)) wake()
  }
  const config = configOf(text)
  const log = createLog({ level: level as 'info', node: config.node }, { write })
  const gateway = await Gateway.start(config, { version: '1.2.3', log, ...(patience && { patience }) })
  const stubs: StubInstance[] = []
  t.after(async () => {
    for (const stub of stubs) stub.socket.destroy()
    await gateway.stop()
    assert.deepEqual(
      logged.filter(({ code }) => code === 'bug'),
      [],
    )
  })
  const port = gateway.ports[0]!
  return {
    gateway,
    port,
    logged,
    async log(code) {
      while (!logged.some((line) => line.code === code)) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    async join(domain, secret = 'swordfish') {
      const stub = await StubInstance.join(port, domain, secret)
      stubs.push(stub)
      return stub
    },
    reload: (next) => gateway.reload(configOf(next)),
    counts: (domain) => countsOf(gateway, domain),
  }
}

/** What a domain has counted, from what the admin port shows. */
export function countsOf(gateway: Gateway, domain: string): Counts {
  const view = gateway.view.domain(domain)
  assert.ok(view)
  const { received, delivered, forwarded, bounced, dropped } = view.counters
  const sum = (numbers: Iterable<number>): number => [...numbers].reduce((a, b) => a + b, 0)
  const total = { bounced: sum(bounced.map(({ count }) => count)), dropped: sum(dropped.map(({ count }) => count)) }
  const ended = sum(Object.values(delivered)) + forwarded + total.bounced + total.dropped
  return { received: sum(Object.values(received)), ended, held: view.held.stanzas, ...total }
}
