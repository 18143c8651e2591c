import { type GatewayProcess, startGatewayProcess } from '../stub/gateway.ts'
import { Worker } from './worker.ts'

/** What is the matter in the prepared run, for a reader of the page to find. */
export const hidden = {
  domain: 'bot.localhost',
  deadBucket: 4,
  slowInstance: 'coral',
  hotKey: 'monitor@users.localhost',
} as const

export const token = 'correct-horse'
const secret = 'swordfish'
const names = ['amber', 'blue', 'coral', 'denim', 'ebony', 'fern'] as const
/** Not started, so that its bucket has no holder. */
const missing = names[hidden.deadBucket]

/** How long the slow instance takes to answer, in milliseconds: it keeps up, but late. */
const SLOW_MILLISECONDS = 700
/** Stanzas per second: of all users together, and of the hot key. */
const RATE = 60
const HOT_RATE = 50
const TICK_MILLISECONDS = 100
const USERS = 400

export interface PreparedRun {
  /** Where the page is. */
  readonly url: string
  readonly node: GatewayProcess
  readonly instances: ReadonlyMap<string, Worker>
  stop(): Promise<void>
}

/** The configuration of the run. Other domains are there that are in order. */
export const preparedYaml = (adminPort: number) => `
node: yard-1
listen: [{port: 0}]
domains:
  bot.localhost:
    instances: {${names.map((name) => `${name}: {secret: ${name}}`).join(', ')}}
    when_unassigned: hold
    hold: {seconds: 8, bytes: 16MiB}
  muc.localhost: {secret: ${secret}}
  search.localhost: {secret: ${secret}}
  users.localhost: {secret: ${secret}}
domain_balancing:
  bot.localhost: {type: bare_source, component_number: ${names.length}}
  muc.localhost: {type: destination}
admin: {port: ${adminPort}, token: ${token}}
drain: {seconds: 1}
`

/** Starts a node, its instances and users who send: with a dead bucket, a slow instance and a hot key. */
export async function startPreparedRun(adminPort = 0): Promise<PreparedRun> {
  const node = await startGatewayProcess(preparedYaml(adminPort))
  const instances = new Map<string, Worker>()
  const join = async (name: string, domain: string, own: string, milliseconds = 0) => {
    instances.set(name, await Worker.start({ port: node.port, domain, secret: own, milliseconds }))
  }
  for (const name of names) {
    // In their order, so that each has the bucket of its place.
    await join(name, hidden.domain, name, name === hidden.slowInstance ? SLOW_MILLISECONDS : 0)
  }
  await instances.get(missing)?.kill()
  instances.delete(missing)
  for (const name of ['muc-1', 'muc-2', 'muc-3']) await join(name, 'muc.localhost', secret)
  await join('search-1', 'search.localhost', secret)
  const users = await Worker.start({ port: node.port, domain: 'users.localhost', secret })
  const timer = setInterval(send(users), TICK_MILLISECONDS)
  const { port } = await node.log.waitFor('admin-listening')
  return {
    url: `http://127.0.0.1:${port}/`,
    node,
    instances,
    stop: async () => {
      clearInterval(timer)
      for (const worker of [...instances.values(), users]) await worker.kill()
      await node.stop()
    },
  }
}

/** A function that sends what is due since it was called last. */
function send(users: Worker): () => void {
  let count = 0
  let owed = 0
  let owedHot = 0
  return () => {
    let text = ''
    for (owed += (RATE * TICK_MILLISECONDS) / 1000; owed >= 1; owed--) {
      const from = `person-${(count * 7) % USERS}@users.localhost/phone`
      const id = `q${count++}`
      if (count % 6 === 0) text += `<message from='${from}' to='room-${count % 50}@muc.localhost' id='${id}'/>`
      else if (count % 3 === 0)
        text += `<iq type='get' from='${from}' to='bot.localhost' id='${id}'><q xmlns='x'/></iq>`
      else text += `<message from='${from}' to='help@bot.localhost' id='${id}'><body>${id}</body></message>`
    }
    for (owedHot += (HOT_RATE * TICK_MILLISECONDS) / 1000; owedHot >= 1; owedHot--) {
      text += `<message from='${hidden.hotKey}/feed' to='log@bot.localhost' id='h${count++}'><body>alert</body></message>`
    }
    users.send(text)
  }
}
