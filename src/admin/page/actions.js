// What the page does: each action asks for the token once, and says what came of it.
import { ask, forgetToken, instancePath, Problem, token } from './api.js'
import { consequence } from './consequences.js'
import { askToken, confirmed, showProblems } from './dialogs.js'
import { html } from './lit.js'
import { look, shareOf, state } from './store.js'
import { say, toast } from './toasts.js'
import { change, during, ui } from './ui.js'

/** A reload or a drain asks all nodes, within cluster.task_seconds. Milliseconds. */
const PATIENCE_MS = 120_000

/**
 * Asks with the token; for another one when it is missing or wrong. Undefined when the reader would not give one.
 * @param {string} method @param {string} path @param {unknown} [body] @param {number} [timeout]
 */
export async function askWithToken(method, path, body, timeout = PATIENCE_MS) {
  let why = 'What changes something or shows addresses needs the token of this node.'
  for (;;) {
    if (token() === null && !(await askToken(why))) return undefined
    try {
      return (await ask(method, path, body, timeout)) ?? {}
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error
      forgetToken()
      change({})
      why = 'That token is wrong: the node refused it. Try again.'
    }
  }
}

/** @param {string} name @param {() => Promise<string | undefined>} work resolves with what to say */
async function act(name, work) {
  await during(name, async () => {
    try {
      const text = await work()
      if (text !== undefined) toast('good', text)
    } catch (error) {
      toast('bad', `${name}: ${error instanceof Error ? error.message : String(error)}`)
    }
    look(0)
  })
}

const texts = {
  drain: {
    text: 'It gets nothing new, answers what it was asked, and is then disconnected. It is back when its process connects again.',
    done: 'is being drained. Until it is closed, Enable ends that',
  },
  kick: {
    text: 'It is disconnected at once, without waiting for its answers. Nothing is lost; what it had not confirmed may come twice. It is back when its process connects again.',
    done: 'was disconnected',
  },
}

/** @param {string} domain @param {string} instance @param {'drain' | 'kick'} action */
export async function endInstance(domain, instance, action) {
  const { text: what, done } = texts[action]
  const word = action === 'drain' ? 'Drain' : 'Kick'
  const title = `${word} ${instance}?`
  const name = `${word} ${instance}`
  if (ui.busy.has(name)) return
  const [own] = state.instances.filter((one) => one.name === instance)
  const text = html`${instance} of ${domain}. ${what}<br /><b>${consequence(state.detail, state.instances, instance, shareOf(instance))}</b>`
  if (!(await confirmed({ title, text, action: word, grave: true }))) return
  await act(name, async () => {
    const answer = await askWithToken('POST', instancePath(domain, instance, action))
    if (answer !== undefined && action === 'drain')
      draining.set(`${domain} ${instance}`, { domain, instance, since: own?.connectedSince })
    return answer && `${instance} ${done}.`
  })
}

/** Gives back what a drain took, while it lasts. @param {string} domain @param {string} instance */
export async function enableInstance(domain, instance) {
  await act(`Enable ${instance}`, async () => {
    const answer = await askWithToken('POST', instancePath(domain, instance, 'enable')).catch((error) => {
      const isOver = error instanceof Problem && (error.status === 404 || error.status === 409)
      throw isOver ? new Error(`it is too late: ${instance} is closed, or about to be. ${back}`) : error
    })
    if (answer !== undefined) draining.delete(`${domain} ${instance}`)
    return answer && `${instance} takes stanzas again.`
  })
}

const back = 'It is back when its process connects again.'

/** What was drained from here, until it is closed. @type {Map<string, {domain: string, instance: string, since: string | undefined}>} */
const draining = new Map()

/** Says of each instance that was drained from here that it is closed; called after the page was drawn. */
export function tellDrained() {
  for (const [key, { domain, instance, since }] of draining) {
    if (domain !== state.detail?.name) continue
    const now = state.instances.find(({ name }) => name === instance)
    if (now?.connectedSince === since) continue
    draining.delete(key)
    toast(
      'good',
      `${instance} was drained and closed. ${now === undefined ? back : 'Its process has connected again.'}`,
    )
  }
}

/** @param {string} node */
export async function drainNode(node) {
  const text = `${node} gives its instances, buckets and links to the other nodes, then stops. Alone, it stops serving.`
  if (!(await confirmed({ title: `Drain node ${node}?`, text, action: 'Drain node', grave: true }))) return
  await act(`Drain node ${node}`, async () => {
    const answer = await askWithToken('POST', `/v1/nodes/${encodeURIComponent(node)}/drain`)
    return answer && `Node ${node} is being drained.`
  })
}

export async function reload() {
  await during('Reload', async () => {
    try {
      const answer = await askWithToken('POST', '/v1/reload')
      if (answer === undefined) return
      const refused = refusals(answer.nodes ?? [])
      if (refused.length > 0) await refusedReload(refused)
      else
        toast(
          'good',
          `The configuration was read anew by ${answer.nodes.map((/** @type {any} */ at) => at.node).join(', ')}.`,
        )
    } catch (error) {
      const refused = error instanceof Problem ? refusals(error.body.nodes ?? []) : []
      if (refused.length > 0) await refusedReload(refused)
      else toast('bad', `Reload: ${error instanceof Error ? error.message : String(error)}`)
    }
    look(0)
  })
}

/** @param {readonly string[]} refused */
async function refusedReload(refused) {
  say('The new configuration was refused.')
  await showProblems(
    'The new configuration was refused',
    'The one before stays in force. Mend these, then reload:',
    refused,
  )
}

/** What keeps each node from taking the configuration. @param {readonly any[]} nodes @returns {string[]} */
function refusals(nodes) {
  return nodes.flatMap(({ node, value, error }) => {
    const lines = error === undefined ? (Array.isArray(value) ? value : []) : String(error).split('\n')
    return nodes.length > 1 ? lines.map((/** @type {string} */ line) => `${node}: ${line}`) : lines
  })
}

export async function giveToken() {
  if (
    await askToken(
      'What changes something or shows addresses needs the token: drain, enable, kick, reload, sample, preview, quarantine.',
    )
  )
    toast('good', 'The token is kept in this tab.')
}

export function dropToken() {
  forgetToken()
  toast('good', 'The token is forgotten.')
}
