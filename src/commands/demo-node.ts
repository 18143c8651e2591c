import { randomBytes } from 'node:crypto'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { SwitchyardError } from '../errors.ts'
import { Gateway } from '../gateway.ts'
import { createLog } from '../log.ts'

/** The addresses of the demo. */
export const demoDomains = { echo: 'echo.localhost', users: 'users.localhost' } as const

/** The demo's instances, each with its bucket. */
export const demoBuckets = { red: 0, green: 1, blue: 2 } as const
export type DemoName = keyof typeof demoBuckets
export const demoNames = Object.keys(demoBuckets) as readonly DemoName[]

/** A line of the node's log: its code, and fields by it. */
export type LogLine = { readonly code: string } & Readonly<Record<string, unknown>>

export interface DemoNode {
  readonly gateway: Gateway
  /** Where instances connect, on 127.0.0.1. */
  readonly port: number
  /** By domain `users`, and by the names of the instances. */
  readonly secrets: Readonly<Record<DemoName | 'users', string>>
}

const usualPort = 5347

/** Starts a node as `switchyard run` would, on the usual port where that is free; `onLog` is told what it logs. */
export async function startDemoNode(version: string, onLog: (line: LogLine) => void): Promise<DemoNode> {
  const secret = (): string => randomBytes(12).toString('hex')
  const secrets = { red: secret(), green: secret(), blue: secret(), users: secret() }
  const log = createLog({ level: 'info', node: 'demo' }, { write: (line) => onLog(JSON.parse(line) as LogLine) })
  const start = (port: number): Promise<Gateway> => Gateway.start(demoConfig(port, secrets), { version, log })
  const gateway = await start(usualPort).catch((error: unknown) => {
    if (error instanceof SwitchyardError && error.code === 'listen-failed') return start(0)
    throw error
  })
  return { gateway, port: gateway.ports[0] ?? usualPort, secrets }
}

function demoConfig(port: number, secrets: DemoNode['secrets']): Config {
  const { config, problems } = loadConfig(yaml(port, secrets), {
    file: 'demo.yaml',
    env: {},
    hostname: 'demo',
    readFile: (path) => {
      throw new Error(`${path}: the demo reads no file`)
    },
  })
  if (config === undefined) throw new Error(problems.map(formatProblem).join('\n'))
  return config
}

const yaml = (port: number, secrets: DemoNode['secrets']): string => `
node: demo
listen: [{host: 127.0.0.1, port: ${port}}]
domains:
  ${demoDomains.echo}:
    instances:
${demoNames.map((name) => `      ${name}: {secret: '${secrets[name]}', bucket: ${demoBuckets[name]}}`).join('\n')}
    when_unassigned: hold
    hold: {seconds: 10, bytes: 16MiB}
  ${demoDomains.users}: {secret: '${secrets.users}'}
domain_balancing:
  ${demoDomains.echo}: {type: bare_source, component_number: ${demoNames.length}}
admin: {port: 0}
drain: {seconds: 1}
`
