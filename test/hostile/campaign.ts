import { startEjabberd } from '../peers/ejabberd.ts'
import { freePort } from '../peers/ports.ts'
import { startProsody, type XmppServer } from '../peers/prosody.ts'
import { type GatewayProcess, startGatewayProcess } from '../stub/gateway.ts'
import { errorPattern, StubInstance } from '../stub/instance.ts'
import { sides } from './answering.ts'
import { type Case, goesOn, isError } from './case.ts'
import { casesAt } from './catalogue/catalogue.ts'
import { bare } from './catalogue/write.ts'
import { HostileServer, parts } from './hostile-server.ts'
import { echo, Users, type UsersReport } from './users.ts'

const secret = 'swordfish'
const honest = ['amber', 'blue', 'coral'] as const
/** The share of the compromised instance. */
const ATTACKED = honest.length

/** For the end of a stream, in milliseconds. */
const ANSWER_MILLISECONDS = 10_000

const servers = { Prosody: startProsody, ejabberd: startEjabberd }

/** Who attacks: an instance that has one of the secrets, or the server of other domains. */
export type Attacker = 'instance' | 'server'

export interface SiegePlan {
  /** What stands behind Switchyard. */
  readonly server: keyof typeof servers
  readonly attacker: Attacker
  /** How long, in seconds; or how often the whole corpus, if that is longer. */
  readonly seconds: number
  readonly rounds: number
}

export interface SiegeReport {
  readonly plan: SiegePlan
  readonly seconds: number
  /** Cases played, and how often all of them. */
  readonly played: number
  readonly rounds: number
  /** Cases that were not answered as the catalogue says. */
  readonly wrong: readonly string[]
  readonly users: UsersReport
  /** How often the link came up and was lost. */
  readonly up: number
  readonly down: number
  /** Stream errors by the metrics, and by those who got or sent them. */
  readonly counted: number
  readonly told: number
  readonly isServerAlive: boolean
  /** Resident memory of the node before and after, in bytes. */
  readonly memory: readonly [before: number, after: number]
}

interface Played {
  count: number
  errors: number
  readonly wrong: string[]
}

/** An error that the peer sends is counted as one that is sent to it. */
function isCounted(one: Case): boolean {
  return isError(one) || (one.answer === 'closes' && one.bytes.includes(':error'))
}

/** Starts a server, a node and honest instances, lets users write to them, and attacks meanwhile. */
export async function lay(plan: SiegePlan, what: 'sources' | 'dist' = 'sources'): Promise<SiegeReport> {
  const components = ['plays.test', 'other.test'].map((domain) => ({ domain, secret }))
  const server = await servers[plan.server]({ components })
  const played: Played = { count: 0, errors: 0, wrong: [] }
  const hostile = await HostileServer.listen(({ part: { one }, condition, said }) => {
    played.count++
    if (isCounted(one)) played.errors++
    if (condition !== (isError(one) ? one.answer : ''))
      played.wrong.push(`${one.name}: ${condition} ${said.slice(-200)}`)
  })
  const adminPort = await freePort()
  const node = await startGatewayProcess(configOf(server, hostile, adminPort, plan.attacker), what)
  const streams: StubInstance[] = []
  try {
    for (const name of honest) streams.push(await echo(node.port, name))
    await node.log.waitFor('link-up', { domain: 'plays.test' })
    const users = await Users.join(server.componentPort, secret, (user) => isHonest(node, user))
    users.write()
    const memory = node.rss()
    const started = performance.now()
    const rounds = await (plan.attacker === 'instance'
      ? attackAsInstance(node.port, plan, played)
      : attackAsServer(node.port, plan, played, streams))
    const seconds = (performance.now() - started) / 1000
    const report = await users.report()
    const errors = await streamErrors(node)
    await users.leave()
    return {
      ...{
        plan,
        seconds,
        played: played.count,
        rounds,
        wrong: [...played.wrong],
        users: report,
        memory: [memory, node.rss()],
      },
      up: node.log.all('link-up', { domain: 'plays.test' }).length,
      down: node.log.all('link-down', { domain: 'plays.test' }).length,
      ...{ counted: errors, told: played.errors, isServerAlive: isRunning(server.pid()) },
    }
  } finally {
    for (const { socket } of streams) socket.destroy()
    await node.stop()
    await hostile.close()
    await server.stop()
  }
}

/** The corpus, one case after the other, each on a stream of its own. */
async function attackAsInstance(port: number, plan: SiegePlan, played: Played): Promise<number> {
  const deadline = performance.now() + plan.seconds * 1000
  const corpus = sides.flatMap((side) =>
    casesAt(side)
      .filter(({ answer }) => answer !== 'waits')
      .map((one) => ({ side, one })),
  )
  for (let at = 0; at < corpus.length * plan.rounds || performance.now() < deadline; at++) {
    const { side, one } = corpus[at % corpus.length]!
    const said = await attack(port, side, one)
    played.count++
    if (isCounted(one)) played.errors++
    if (said !== (isError(one) ? one.answer : '')) played.wrong.push(`${one.name}: ${said}`)
  }
  return played.count / corpus.length
}

async function attack(port: number, side: (typeof sides)[number], one: Case): Promise<string> {
  const connect = {
    header: () => StubInstance.connect(port),
    handshake: () => StubInstance.open(port, 'plays.test'),
    instance: () => StubInstance.join(port, 'plays.test', 'mallory'),
  }[side]
  const stream = await connect()
  await stream.sendPieces(Buffer.concat([one.bytes, Buffer.from(bare('', " id='trailing'"))]), 1460)
  if (goesOn(one)) stream.send('</stream:stream>')
  // A stream that is not ended as it should be is not ended at all.
  const timer = setTimeout(() => stream.socket.destroy(), ANSWER_MILLISECONDS)
  await Promise.race([stream.ended, stream.closed])
  clearTimeout(timer)
  stream.socket.destroy()
  await stream.closed
  return errorPattern.exec(stream.received)?.[1] ?? ''
}

/** Every case has a link of its own, which comes again and again; none comes before somebody wants it. */
async function attackAsServer(port: number, plan: SiegePlan, played: Played, streams: StubInstance[]): Promise<number> {
  const deadline = performance.now() + plan.seconds * 1000
  for (const { domain } of parts) streams.push(await StubInstance.join(port, domain, secret))
  const isOver = (): boolean => played.count >= parts.length * plan.rounds && performance.now() >= deadline
  while (!isOver()) await new Promise((resolve) => setTimeout(resolve, 20))
  return played.count / parts.length
}

/** Whether an honest instance gets what a user writes. */
async function isHonest(node: GatewayProcess, user: string): Promise<boolean> {
  const path = `/v1/domains/plays.test/explain?from=${encodeURIComponent(user)}&to=b@plays.test`
  return ((await node.admin(path)) as { readonly bucket: number }).bucket !== ATTACKED
}

async function streamErrors(node: GatewayProcess): Promise<number> {
  const metrics = String(await node.admin('/metrics'))
  const counts = [...metrics.matchAll(/^switchyard_stream_errors_total\{condition="([^"]+)"\} (\d+)$/gm)]
  return counts.reduce((sum, [, , count]) => sum + Number(count), 0)
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function configOf(
  { componentPort }: XmppServer,
  hostile: HostileServer,
  adminPort: number,
  attacker: Attacker,
): string {
  const instances = [...honest, 'mallory'].map((name, bucket) => `${name}: {secret: ${name}, bucket: ${bucket}}`)
  const upstream = (port: number): string => `upstream: {service: "xmpp://127.0.0.1:${port}", secret: ${secret}}`
  const others = attacker === 'server' ? parts : []
  return `
node: yard
listen: [{port: 0}]
admin: {port: ${adminPort}}
domains:
  plays.test:
    instances: {${instances.join(', ')}}
    hold: {seconds: 1}
    ${upstream(componentPort)}
${others.map(({ domain }) => `  ${domain}: {secret: ${secret}, ${upstream(hostile.port)}}`).join('\n')}
domain_balancing:
  plays.test: {type: bare_source, component_number: ${honest.length + 1}}
drain: {seconds: 0}
log: {level: info}
`
}
