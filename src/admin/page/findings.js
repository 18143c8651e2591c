// What an operator should look at first, worst first, with what to do about it. Pure.
import { fate, slowAdvice, waitsFor, whose } from './consequences.js'
import { count, duration, percent, plural, ranges } from './format.js'

/** @typedef {{key: string, level: 'bad' | 'warn', domain?: string, instance?: string, what: string, where: string, hint: string, go: string}} Finding */

/** An instance is slow when it takes so long, and so many times what the others take. */
const SLOW_SECONDS = 0.25
const SLOW_TIMES = 4
/** One of several has the most of a domain's traffic: then one key may be hot. */
const HOT_TIMES = 1.8
const HOT_RATE = 5

/** @type {Readonly<Record<string, readonly ['bad' | 'warn', string, string]>>} */
const states = {
  stalled: [
    'bad',
    'accepts nothing',
    'It reads nothing, so its stanzas are held. It hangs, or is too slow for its share.',
  ],
  suspect: [
    'bad',
    'does not answer',
    'It owes an answer to a ping; it is closed soon, and its bucket moves. Look at the process.',
  ],
  unconfirmed: [
    'warn',
    'never confirms',
    'It answers no pings, so it is served at most once. Let its library answer XEP-0199 pings.',
  ],
}

/** @param {any} overview @param {readonly any[]} nodes @param {any} detail @param {readonly any[]} instances */
export function findings(overview, nodes, detail, instances) {
  if (overview === undefined) return []
  const found = [
    ...ofNodes(overview, nodes),
    ...overview.domains.flatMap((/** @type {any} */ domain) => ofDomain(domain, detail)),
  ]
  if (detail !== undefined) found.push(...ofTraffic(detail, instances))
  return found.sort((one, other) => rank(one) - rank(other))
}

/** @param {Finding} finding */
function rank({ level }) {
  return level === 'bad' ? 0 : 1
}

/** @param {any} overview @param {readonly any[]} nodes @returns {Finding[]} */
function ofNodes({ cluster }, nodes) {
  /** @type {Finding[]} */
  const found = []
  if (cluster !== null && !cluster.up)
    found.push({
      ...{ key: 'redis', level: 'bad', where: 'cluster', go: 'nodes', what: 'Redis cannot be reached' },
      hint: 'The last routing table stays in force; what is for other nodes waits.',
    })
  if (cluster !== null && !cluster.held)
    found.push({
      ...{ key: 'fenced', level: 'bad', where: 'cluster', go: 'nodes', what: 'this node is fenced' },
      hint: 'Its lease has run out: it delivers nothing until it has a valid one.',
    })
  for (const { name, state } of nodes)
    if (state === 'draining')
      found.push({
        ...{ key: `node ${name}`, level: 'warn', where: name, go: 'nodes', what: 'node is draining' },
        hint: 'It takes nothing new, and ends when what it has is done.',
      })
  return found
}

/** @param {any} domain a summary @param {any} detail the one that is looked at @returns {Finding[]} */
function ofDomain(domain, detail) {
  const { name } = domain
  /** @type {Finding[]} */
  const found = []
  const connected = Object.values(domain.instances).reduce((/** @type {number} */ sum, many) => sum + Number(many), 0)
  // At random a bucket without a holder loses nothing, as long as one has a holder.
  const losesNothing = domain.type === 'random' && domain.bucketsUnassigned < domain.buckets
  if (domain.bucketsUnassigned > 0 && !losesNothing) found.push(deadBuckets(domain))
  else if (connected === 0 && domain.instancesElsewhere === 0)
    found.push({
      ...{ key: `${name} nobody`, level: 'warn', domain: name, where: name, go: 'instances', what: 'no instance' },
      hint: `Nobody is connected for this domain; what comes for it meets “${domain.whenUnassigned}”.`,
    })
  if (domain.link !== null && domain.link !== 'online' && domain.link !== 'idle') {
    const reason = detail?.name === name ? detail.link?.reason : undefined
    found.push({
      ...{ key: `${name} link`, level: 'bad', domain: name, where: name, go: 'facts' },
      what: `link is ${domain.link}${reason ? `: ${reason}` : ''}`,
      hint: 'What instances send waits, then bounces. Look at the XMPP server, and at service and secret.',
    })
  }
  for (const [state, [level, what, hint]] of Object.entries(states)) {
    const many = domain.instances[state] ?? 0
    if (many === 0) continue
    const text = many === 1 ? `an instance ${what}` : `${count(many)} instances: each ${what}`
    found.push({
      key: `${name} ${state}`,
      level,
      domain: name,
      where: name,
      go: 'instances',
      what: text,
      hint,
    })
  }
  const { slowest } = domain
  if (isSlow(slowest))
    found.push({
      ...{ key: `${name} slow`, level: 'warn', domain: name, instance: slowest.instance, where: name, go: 'instances' },
      what: `instance ${slowest.instance} is slow: ${duration(slowest.seconds)}`,
      hint:
        slowest.others === null
          ? 'It takes that long to answer.'
          : `The others take ${duration(slowest.others)}. ${slowAdvice(domain)}`,
    })
  if (domain.quarantined > 0)
    found.push({
      ...{ key: `${name} quarantine`, level: 'bad', domain: name, where: name, go: 'quarantine' },
      what: `${plural(domain.quarantined, 'stanza')} in quarantine`,
      hint: 'Each closed every instance that it was given to. Read it, and mend what dies of it.',
    })
  return found
}

/** @param {any} domain @returns {Finding} */
function deadBuckets(domain) {
  const { name, bucketsUnassigned, buckets, unassigned, whenUnassigned, hold } = domain
  const more = bucketsUnassigned > unassigned.length ? ' …' : ''
  const which = `${ranges(unassigned.map((/** @type {any} */ { bucket }) => bucket))}${more}`
  const what =
    bucketsUnassigned === 1
      ? `bucket ${which} has no holder`
      : `${count(bucketsUnassigned)} of ${count(buckets)} buckets have no holder: ${which}`
  const waiting = whenUnassigned === 'hold' ? ` (now ${waitsFor(domain)})` : ''
  return {
    ...{ key: `${name} dead`, level: 'bad', domain: name, where: name, go: 'buckets', what },
    hint: `${whose(domain)}What is for ${bucketsUnassigned === 1 ? 'it' : 'them'} is ${fate(whenUnassigned, hold)}${waiting}. Start the missing instance, or lower component_number (the number of buckets).`,
  }
}

/** @param {any} slowest */
export function isSlow(slowest) {
  if (slowest === null || slowest === undefined || slowest.seconds < SLOW_SECONDS) return false
  return slowest.others === null || slowest.seconds >= SLOW_TIMES * Math.max(slowest.others, 0.001)
}

/** @param {any} detail @param {readonly any[]} instances @returns {Finding[]} */
function ofTraffic(detail, instances) {
  const busy = instances
    .filter(({ state }) => state !== 'spare')
    .map(({ name, deliveredPerSecond }) => ({ name, rate: deliveredPerSecond ?? 0 }))
  const total = busy.reduce((sum, { rate }) => sum + rate, 0)
  const first = busy.reduce((most, one) => (one.rate > most.rate ? one : most), { name: '', rate: 0 })
  const isEven = busy.length < 2 || first.rate < HOT_RATE || first.rate < (HOT_TIMES * total) / busy.length
  if (isEven || detail.balancing === null || detail.balancing.type === 'random') return []
  return [
    {
      ...{
        key: `${detail.name} hot`,
        level: 'warn',
        domain: detail.name,
        instance: first.name,
        where: detail.name,
        go: 'keys',
      },
      what: `${first.name} gets ${percent(first.rate / total)} of the traffic`,
      hint: `Even shares would be ${percent(1 / busy.length)}. One key may be hot: sample the keys to see which.`,
    },
  ]
}
