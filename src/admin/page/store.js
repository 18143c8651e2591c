// What the page knows. One object, changed by what the node says; whoever draws it is told.
import { domainPath, read } from './api.js'
import { coloursOf } from './colours.js'
import { findings } from './findings.js'
import { History } from './history.js'
import { listen } from './live.js'

/** Between two looks, in milliseconds; more with so many domains that a look is work for the node. */
const LOOK_MS = 2000
const DOMAINS_PER_LOOK = 250
const INSTANCES_PER_LOOK = 1000
/** Not more often than this, whatever happens. */
const LEAST_MS = 1000
/** After an event: several come at once. */
const SOON_MS = 120
const MOST_EVENTS = 100
/** Between two questions about the nodes, and until one is given up; milliseconds. */
const NODES_MS = 4000
const NODES_TIMEOUT_MS = 60_000

const history = new History()
/** The domain that the colours are of. @type {string | undefined} */
let coloured

export const state = {
  /** @type {'connecting' | 'live' | 'lost'} */ connection: 'connecting',
  /** @type {any} */ overview: undefined,
  /** @type {readonly any[]} */ nodes: [],
  /** @type {string | undefined} */ selected: undefined,
  /** @type {any} */ detail: undefined,
  /** @type {readonly any[]} */ instances: [],
  /** @type {import('./history.js').Curves | undefined} */ curves: undefined,
  /** By instance. */
  /** @type {Map<string, number>} */ colours: new Map(),
  /** @type {readonly import('./findings.js').Finding[]} */ findings: [],
  /** @type {{name: string, fields: any, times: number}[]} */ events: [],
  /** @type {string | undefined} */ trouble: undefined,
  now: Date.now(),
}

/** @type {Map<string, {time: number, received: number, rate: number | undefined}>} */
const rates = new Map()
/** @type {() => void} */
let draw = () => {}
let timer = 0
let asking = false
let again = false
let asked = 0
/** Which start of the node the counts are of. */
let incarnation = ''
let askingNodes = false
let nodesAt = Number.NEGATIVE_INFINITY

/** @param {() => void} onChange */
export function start(onChange) {
  draw = onChange
  state.selected = selectedByAddress()
  addEventListener('hashchange', () => select(selectedByAddress()))
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) state.curves?.pause()
    else look(0)
  })
  listen({
    open: () => {
      state.connection = 'live'
      nodesAt = Number.NEGATIVE_INFINITY
      look(0)
      draw()
    },
    lost: () => {
      if (state.connection === 'lost') return
      state.connection = 'lost'
      draw()
    },
    event: (name, fields) => {
      note(name, { time: new Date().toISOString(), ...fields })
      lookSoon()
    },
  })
  look(0)
}

/** What happens again and again is one line that counts. @param {string} name @param {any} fields */
function note(name, fields) {
  const [last, ...before] = state.events
  const isAgain =
    last?.name === name && ['domain', 'instance', 'bucket'].every((key) => last.fields[key] === fields[key])
  if (isAgain) state.events = [{ ...last, fields, times: last.times + 1 }, ...before]
  else state.events = [{ name, fields, times: 1 }, ...state.events].slice(0, MOST_EVENTS)
}

/** @param {string | undefined} domain */
export function select(domain) {
  if (domain === state.selected) return
  state.curves?.pause()
  state.selected = domain
  state.detail = undefined
  state.instances = []
  state.findings = findings(state.overview, state.nodes, undefined, [])
  state.curves = domain === undefined ? undefined : history.of(domain)
  if (domain !== undefined && domain !== selectedByAddress()) {
    // Not by the hash: to go to a place that is not on the page takes the focus from where it is.
    window.history.pushState(null, '', `#/${encodeURIComponent(domain)}`)
  }
  draw()
  look(0)
}

/** Asks soon; what is asked for while an answer is awaited is asked afterwards. @param {number} milliseconds */
export function look(milliseconds) {
  clearTimeout(timer)
  timer = window.setTimeout(ask, milliseconds)
}

/** After an event; a storm of them is one look a second. */
function lookSoon() {
  look(Math.max(SOON_MS, asked + LEAST_MS - performance.now()))
}

/** Stanzas per second that came for a domain. @param {string} domain */
export function rateOf(domain) {
  return rates.get(domain)?.rate
}

async function ask() {
  if (asking) {
    again = true
    return
  }
  asking = true
  asked = performance.now()
  try {
    void askNodes()
    await Promise.all([askOverview(), askDomain()])
    state.trouble = undefined
  } catch (error) {
    state.trouble = error instanceof Error ? error.message : String(error)
  }
  state.now = Date.now()
  state.findings = findings(state.overview, state.nodes, state.detail, state.instances)
  asking = false
  draw()
  const work = Math.max(
    1,
    (state.overview?.domains.length ?? 0) / DOMAINS_PER_LOOK,
    state.instances.length / INSTANCES_PER_LOOK,
  )
  // Nobody looks at a hidden page: its next look comes when it is shown.
  if (again) lookSoon()
  else if (!document.hidden) look(LOOK_MS * work)
  again = false
}

async function askOverview() {
  const overview = await read('/v1/overview')
  state.overview = overview
  for (const { name, received } of overview.domains) noteRate(name, received)
  if (rates.size > overview.domains.length) {
    const names = new Set(overview.domains.map((/** @type {any} */ domain) => domain.name))
    for (const name of rates.keys()) if (!names.has(name)) rates.delete(name)
  }
  if (state.selected === undefined) select(mostUrgent(overview))
}

/** Other nodes are asked by the one that answers, which may take its time: nothing waits for it. */
async function askNodes() {
  if (askingNodes || performance.now() - nodesAt < NODES_MS) return
  askingNodes = true
  try {
    const { items } = await read('/v1/nodes', NODES_TIMEOUT_MS)
    nodesAt = performance.now()
    const self = items.find((/** @type {any} */ node) => node.self)
    if (self !== undefined && self.incarnation !== incarnation) {
      // Another start of the node counts from nothing.
      if (incarnation !== '') history.clear()
      incarnation = self.incarnation
      if (state.selected !== undefined) state.curves = history.of(state.selected)
    }
    state.nodes = items
    draw()
  } catch {
    // What else is asked says that the node cannot be reached.
  } finally {
    askingNodes = false
  }
}

/** @param {string} name @param {number} received */
function noteRate(name, received) {
  const time = performance.now()
  const last = rates.get(name)
  if (last !== undefined && time - last.time < 500) return
  const rate =
    last === undefined || received < last.received
      ? undefined
      : ((received - last.received) * 1000) / (time - last.time)
  rates.set(name, { time, received, rate })
}

async function askDomain() {
  const domain = state.selected
  if (domain === undefined) return
  const [detail, { items }] = await Promise.all([
    read(domainPath(domain)),
    read(domainPath(domain, '/instances')),
  ]).catch((error) => {
    // It may have been taken out of the configuration.
    if (error.status === 404) return [undefined, { items: [] }]
    throw error
  })
  if (domain !== state.selected) return
  state.detail = detail
  state.instances = items
  if (detail !== undefined) {
    state.curves = history.of(domain)
    state.curves.add(sampleOf(detail, items))
  }
  const drawn = detail === undefined ? [] : state.curves?.instances.keys()
  state.colours = coloursOf(items, coloured === domain ? state.colours : undefined, drawn)
  coloured = domain
}

/** @param {any} detail @param {readonly any[]} items @returns {import('./history.js').Sample} */
function sampleOf({ counters, held }, items) {
  const sum = (/** @type {readonly any[]} */ counted) => counted.reduce((total, { count }) => total + count, 0)
  const { received, delivered, bounced, dropped } = counters
  return {
    time: Date.now() / 1000,
    received: received.instance + received.link + received.node + received.self + received.store,
    delivered: delivered.instances + delivered.gone + delivered.link + delivered.self + counters.forwarded,
    failed: sum(bounced) + sum(dropped),
    waiting: held.stanzas,
    instances: items.map((item) => ({
      name: item.name,
      since: item.connectedSince,
      delivered: item.delivered,
      seconds: slowness(item),
    })),
  }
}

/** What it takes an instance to answer or to confirm, whichever is longer. @param {any} instance */
export function slowness({ answers, confirmSeconds, owingSeconds }) {
  const known = [answers?.p95, confirmSeconds, owingSeconds].filter((seconds) => typeof seconds === 'number')
  return known.length === 0 ? null : Math.max(...known)
}

/** Stanzas per second that an instance was delivered: as its node knows it, else as seen from here. @param {any} instance */
export function rateOfInstance({ name, deliveredPerSecond }) {
  return deliveredPerSecond ?? state.curves?.instances.get(name)?.rate
}

/** An instance's share of what the domain's instances were delivered lately, 0 to 1; undefined where nothing was. @param {string} name */
export function shareOf(name) {
  const rates = state.instances.map((one) => ({ name: one.name, rate: rateOfInstance(one) ?? 0 }))
  const total = rates.reduce((sum, { rate }) => sum + rate, 0)
  const own = rates.find((one) => one.name === name)
  return total === 0 || own === undefined ? undefined : own.rate / total
}

/** The domain to show first: one with something the matter, else the first. @param {any} overview */
function mostUrgent(overview) {
  return (
    findings(overview, [], undefined, []).find(({ domain }) => domain !== undefined)?.domain ??
    overview.domains[0]?.name
  )
}

function selectedByAddress() {
  const match = /^#\/(.+)$/.exec(location.hash)
  try {
    return match ? decodeURIComponent(match[1] ?? '') : undefined
  } catch {
    return undefined
  }
}
