// What the page does: each action asks for the token once, and says what came of it.
import { ask, forgetToken, instancePath, Problem, token } from './api.js'
import { askToken, confirmed, showProblems } from './dialogs.js'
import { look } from './store.js'
import { say, toast } from './toasts.js'
import { change, during } from './ui.js'

/** A reload or a drain asks all nodes, within cluster.task_seconds. Milliseconds. */
const PATIENCE_MS = 120_000

/**
 * Asks with the token; for another one when it is missing or wrong. Undefined when the reader would not give one.
 * @param {string} method @param {string} path @param {unknown} [body] @param {number} [timeout]
 */
export async function askWithToken(method, path, body, timeout = PATIENCE_MS) {
  let why = 'What changes something needs the token of this node.'
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
    text: 'It gets nothing new; what it has been asked gets its time; its bucket moves to a spare, or its stanzas wait. Then it is disconnected.',
    done: 'is being drained',
  },
  kick: {
    text: 'It is disconnected at once, without waiting for its answers. Nothing is lost; what it had not confirmed may come twice.',
    done: 'was disconnected',
  },
}

/** @param {string} domain @param {string} instance @param {'drain' | 'kick'} action */
export async function endInstance(domain, instance, action) {
  const { text, done } = texts[action]
  const word = action === 'drain' ? 'Drain' : 'Kick'
  const title = `${word} ${instance}?`
  if (!(await confirmed({ title, text: `${instance} of ${domain}. ${text}`, action: word, grave: true }))) return
  await act(`${word} ${instance}`, async () => {
    const answer = await askWithToken('POST', instancePath(domain, instance, action))
    return answer && `${instance} ${done}.`
  })
}

/** Gives back what a drain took, while it lasts. @param {string} domain @param {string} instance */
export async function enableInstance(domain, instance) {
  await act(`Enable ${instance}`, async () => {
    const answer = await askWithToken('POST', instancePath(domain, instance, 'enable'))
    return answer && `${instance} takes stanzas again.`
  })
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
  if (await askToken('With it this tab may drain, enable, kick, reload and sample.'))
    toast('good', 'The token is kept in this tab.')
}

export function dropToken() {
  forgetToken()
  toast('good', 'The token is forgotten.')
}
