import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { alertNames, dashboard, fasterRules } from '../dashboards/files.ts'
import { type Ending, type Settings, TOKEN, Yard } from '../e2e/cluster/yard.ts'
import { freePort } from '../peers/ports.ts'
import { Prometheus } from '../peers/prometheus.ts'
import { startProsody, type XmppServer } from '../peers/prosody.ts'
import type { RawInstance } from '../stub/raw-instance.ts'

/**
 * The rules and the dashboard in a real Prometheus that scrapes two real nodes about a Redis, behind a real Prosody, under
 * traffic. Prometheus' time runs forty times as fast: a minute in the rules is a second and a half here, and 15 s between
 * two scrapes are 375 ms. Faster yet, a busy machine misses scrapes.
 */
const FACTOR = 40
const INTERVAL_MILLISECONDS = 15_000 / FACTOR
const SECRET = 'swordfish'
const PING = "<ping xmlns='urn:xmpp:ping'/>"
/** Of the sender; both buckets of hold.localhost have some. */
const USERS = Array.from({ length: 8 }, (_, n) => `user${n}@from.localhost`)
/** For so long a node stands still, and goes on: it is late by more than its alert allows, and is scraped all the same. */
const HALT_MILLISECONDS = 200
/** Between two rounds of traffic. */
const ROUND_MILLISECONDS = 50

function settings(serverPort: number): Settings {
  const upstream = { service: `xmpp://127.0.0.1:${serverPort}`, secret: SECRET }
  return {
    domains: {
      'from.localhost': { secret: SECRET },
      'bounce.localhost': { secret: SECRET, when_unassigned: 'bounce' },
      'hold.localhost': {
        instances: { red: { secret: 'red', bucket: 0 }, blue: { secret: 'blue', bucket: 1 } },
        hold: { seconds: 600, bytes: '64MiB', store: 'redis' },
      },
      'link.localhost': { secret: SECRET, upstream },
      'hung.localhost': { secret: SECRET },
      'far.localhost': { secret: SECRET, slow_start_seconds: 60 },
    },
    domain_balancing: { 'hold.localhost': { type: 'bare_source', component_number: 2 } },
  }
}

/** What is sent all the time: to every domain, from instances of the first node, and to the server. */
class Traffic {
  readonly #sender: RawInstance
  readonly #echo: RawInstance
  readonly #timer: NodeJS.Timeout
  #count = 0
  #answered = 0

  constructor(sender: RawInstance, echo: RawInstance) {
    this.#sender = sender
    this.#echo = echo
    this.#timer = setInterval(() => this.#round(), ROUND_MILLISECONDS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #round(): void {
    const from = USERS[this.#count++ % USERS.length]
    const id = `n${this.#count}`
    for (const to of ['bounce', 'hold', 'hung', 'far']) {
      this.#sender.send(`<message from='${from}' to='${to}.localhost' id='${id}'><body>${id}</body></message>`)
    }
    this.#sender.send(`<message type='headline' from='${from}' to='bounce.localhost' id='${id}'><body/></message>`)
    this.#sender.send(`<iq type='get' from='${from}' to='link.localhost' id='${id}'>${PING}</iq>`)
    this.#echo.send(`<message from='link.localhost' to='localhost' id='${id}'><body>${id}</body></message>`)
    const { stanzas } = this.#echo
    for (; this.#answered < stanzas.length; this.#answered++) {
      const stanza = stanzas[this.#answered]!
      if (stanza.type !== 'get') continue
      this.#echo.send(`<iq type='result' from='${stanza.to}' to='${stanza.from}' id='${stanza.id}'/>`)
    }
  }
}

describe('the rules and the dashboard in a real Prometheus, with real faults', { timeout: 180_000 }, () => {
  let prosody: XmppServer
  let yard: Yard
  let prometheus: Prometheus
  let traffic: Traffic
  const adminPorts = new Map<string, number>()
  const instances = new Map<string, RawInstance>()
  /** The alerts that have been seen to fire and to clear. */
  const seen = new Set<string>()
  const ends: (() => unknown)[] = []
  const suite: Ending = { after: (end) => void ends.push(end) }

  before(async () => {
    prosody = await startProsody({ components: [{ domain: 'link.localhost', secret: SECRET }] })
    suite.after(() => prosody.stop())
    yard = await Yard.start(suite, { nodes: [], settings: settings(prosody.componentPort) })
    for (const name of ['a', 'b']) adminPorts.set(name, await freePort())
    await Promise.all(['a', 'b'].map(startNode))
    await yard.together()
    for (const domain of ['from', 'bounce', 'link', 'hung']) await join(domain, 'a')
    await join('far', 'b')
    for (const name of ['red', 'blue']) await join('hold', 'a', name)
    traffic = new Traffic(instances.get('from')!, instances.get('link')!)
    suite.after(() => traffic.stop())
    prometheus = await Prometheus.start({
      jobs: { switchyard: [...adminPorts.values()].map((port) => `127.0.0.1:${port}`) },
      rules: fasterRules(FACTOR),
      intervalMilliseconds: INTERVAL_MILLISECONDS,
      lookbackMilliseconds: 300_000 / FACTOR,
    })
    suite.after(() => prometheus.stop())
  })
  after(async () => {
    for (const end of ends.reverse()) await end()
  })

  function startNode(name: string): Promise<unknown> {
    return yard.startNode(name, { admin: { port: adminPorts.get(name), token: TOKEN } })
  }

  async function join(domain: string, node: string, name?: string): Promise<void> {
    const instance = await yard.node(node).join(`${domain}.localhost`, name ?? SECRET)
    instances.set(name ?? domain, instance)
  }

  const firing = async () => (await prometheus.alerts()).filter(({ state }) => state === 'firing')

  async function fires(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    const wanted = Object.entries(labels)
    await prometheus.until(`${name} fires for ${JSON.stringify(labels)}`, firing, (alerts) =>
      alerts.some((alert) => alert.name === name && wanted.every(([key, value]) => alert.labels[key] === value)),
    )
  }

  async function clears(...names: readonly string[]): Promise<void> {
    const left = async () => (await prometheus.alerts()).filter(({ name }) => names.includes(name))
    await prometheus.until(`${names} clear`, left, (alerts) => alerts.length === 0)
    for (const name of names) seen.add(name)
  }

  test('under traffic and without a fault every rule is evaluated, and no alert fires', async () => {
    const errors = await prometheus.until('every rule is evaluated', () => prometheus.ruleErrors(), Array.isArray)
    assert.deepEqual(errors, [])
    const received = () => prometheus.query('sum(switchyard:stanzas_received:rate5m)')
    await prometheus.until('the traffic is recorded', received, ([rate]) => (rate?.value ?? 0) > 0)
    await prometheus.until(
      'the link is up',
      () => prometheus.query('sum(switchyard_link_up)'),
      ([up]) => up?.value === 1,
    )
    await prometheus.until(
      'no alert',
      () => prometheus.alerts(),
      (alerts) => alerts.length === 0,
    )
  })

  test('instances gone, hung, a server stopped, a bad configuration: each fires its alert, which clears after', async () => {
    const { process } = yard.node('a')
    const sound = await yard.config('a', yard.node('a').redis, { admin: { port: adminPorts.get('a'), token: TOKEN } })
    const forger = await yard.node('a').join('from.localhost', SECRET)
    forger.send(`<message from='juliet@example.org' to='hold.localhost'><body/></message>`)
    const hung = instances.get('hung')!
    hung.answersPings = false
    await instances.get('bounce')!.kill()
    await instances.get('blue')!.kill()
    await prosody.kill()
    process.reload(`${sound} nonsense`)
    await Promise.all([
      fires('SwitchyardNoInstance', { domain: 'bounce.localhost' }),
      fires('SwitchyardBounces', { domain: 'bounce.localhost' }),
      fires('SwitchyardDrops', { domain: 'bounce.localhost', reason: 'headline_bounce' }),
      fires('SwitchyardBucketUnassigned', { domain: 'hold.localhost' }),
      fires('SwitchyardHoldGrowing', { domain: 'hold.localhost' }),
      fires('SwitchyardLinkDown', { domain: 'link.localhost' }),
      fires('SwitchyardInstanceSuspect', { domain: 'hung.localhost' }),
      fires('SwitchyardReloadRefused', {}),
    ])
    await forger.closed
    process.reload(sound)
    await prosody.start()
    await hung.kill()
    await join('hung', 'a')
    await join('bounce', 'a')
    await join('hold', 'a', 'blue')
    await clears('SwitchyardNoInstance', 'SwitchyardBucketUnassigned', 'SwitchyardHoldGrowing', 'SwitchyardLinkDown')
    await clears('SwitchyardBounces', 'SwitchyardDrops', 'SwitchyardInstanceSuspect', 'SwitchyardReloadRefused')
  })

  test('a Redis that is stopped fires its alert for both nodes, which clears when it is back', async () => {
    await yard.redis.kill()
    for (const port of adminPorts.values()) await fires('SwitchyardRedisAway', { instance: `127.0.0.1:${port}` })
    await yard.redis.start()
    await clears('SwitchyardRedisAway')
  })

  test('a node that is killed fires the alerts of a node down and of one fewer, which clear when it is back', async () => {
    await yard.kill('b')
    await Promise.all([
      fires('SwitchyardNodeDown', { instance: `127.0.0.1:${adminPorts.get('b')}` }),
      fires('SwitchyardNodeCountFell', {}),
    ])
    await startNode('b')
    await join('far', 'b')
    await clears('SwitchyardNodeDown', 'SwitchyardNodeCountFell')
  })

  test('a node that is short of memory, and that gets to its work late, fires its alerts, which clear after', async () => {
    const { process, redis } = yard.node('b')
    const admin = { port: adminPorts.get('b'), token: TOKEN }
    const sound = await yard.config('b', redis, { admin })
    const instance = `127.0.0.1:${admin.port}`
    process.reload(await yard.config('b', redis, { admin, limits: { memory_bytes: '64MiB' } }))
    await fires('SwitchyardOverload', { instance })
    process.reload(sound)
    await clears('SwitchyardOverload')
    let isStill = false
    const halting = setInterval(() => {
      isStill = !isStill
      if (isStill) process.pause()
      else process.resume()
    }, HALT_MILLISECONDS)
    try {
      await fires('SwitchyardEventLoopDelay', { instance })
    } finally {
      clearInterval(halting)
      process.resume()
    }
    await clears('SwitchyardEventLoopDelay')
  })

  test('when all is well again no alert is left, and every one has fired', async () => {
    await prometheus.until(
      'no alert',
      () => prometheus.alerts(),
      (alerts) => alerts.length === 0,
    )
    assert.deepEqual([...seen].sort(), alertNames)
  })

  test('every query of every panel returns data, and so does every variable', async () => {
    const values: Readonly<Record<string, string>> = {
      ...{ $job: 'switchyard', $node: '.*', $domain: '.*' },
      // All that this test has made is within it.
      $__rate_interval: '3m',
    }
    const filled = (expr: string) =>
      expr.replaceAll(/\$\w+/g, (name) => values[name] ?? assert.fail(`${name}: ${expr}`))
    const queries: (readonly [what: string, query: string])[] = dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => [title, filled(expr)] as const),
    )
    for (const { name, definition } of dashboard.templating.list) {
      const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(definition ?? '') ?? []
      if (series !== undefined) queries.push([`variable ${name}`, `count by (${label}) (${filled(series)})`])
    }
    const isEmpty = async ([, query]: readonly [string, string]) =>
      !(await prometheus.query(query)).some(({ value }) => Number.isFinite(value))
    const empty = async () => {
      const found = await Promise.all(queries.map(async (one) => ((await isEmpty(one)) ? [one.join(': ')] : [])))
      return found.flat()
    }
    // A scrape that a busy machine has missed leaves a gap.
    await prometheus.until('every query returns data', empty, (left) => left.length === 0)
  })
})
