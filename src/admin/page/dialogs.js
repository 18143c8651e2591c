// Questions before what cannot be undone, and for the token. Each is a <dialog>: the browser keeps the focus in it.

import { keepToken } from './api.js'
import { focusFirst, trailOf } from './focus.js'
import { html, nothing, render } from './lit.js'

const host = document.createElement('dialog')
host.setAttribute('aria-labelledby', 'dialog-title')
document.body.append(host)

/** Ends what is shown. The browser says so later, when the next dialog may be open already. */
let end = () => {}
host.addEventListener('close', () => {
  if (!host.open) end()
})

/** Shows a form until it is sent or left; resolves with what was sent, undefined when it was left. @param {unknown} content @returns {Promise<FormData | undefined>} */
function show(content) {
  if (host.open) return Promise.resolve(undefined)
  end()
  const before = trailOf(document.activeElement)
  return new Promise((resolve) => {
    /** @type {FormData | undefined} */
    let sent
    const submit = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault()
      sent = new FormData(/** @type {HTMLFormElement} */ (event.target))
      leave()
    }
    end = () => {
      end = () => {}
      render(nothing, host)
      focusFirst(before)
      resolve(sent)
    }
    render(html`<form method="dialog" @submit=${submit}>${content}</form>`, host)
    host.showModal()
  })
}

function leave() {
  host.close()
  end()
}

/**
 * @param {object} question
 * @param {string} question.title
 * @param {unknown} question.text
 * @param {string} question.action what the button says
 * @param {boolean} [question.grave]
 */
export async function confirmed({ title, text, action, grave = false }) {
  const sent = await show(html`
    <h2 id="dialog-title">${title}</h2>
    <p>${text}</p>
    <div class="buttons">
      <button type="button" ?autofocus=${grave} @click=${leave}>Cancel</button>
      <button class=${grave ? 'grave' : 'primary'} ?autofocus=${!grave}>${action}</button>
    </div>
  `)
  return sent !== undefined
}

/** Asks for the token and keeps it; false when it was not given. @param {string} why */
export async function askToken(why) {
  const sent = await show(html`
    <h2 id="dialog-title">Admin token</h2>
    <p>${why}</p>
    <label>Token <span class="hint">as in <code>admin.token</code> of the configuration</span>
      <input name="token" type="password" required autocomplete="off" spellcheck="false" autofocus />
    </label>
    <p class="hint">Kept in this tab until it is closed, and sent to this node only.</p>
    <div class="buttons">
      <button type="button" @click=${leave}>Cancel</button>
      <button class="primary">Use token</button>
    </div>
  `)
  const given = String(sent?.get('token') ?? '').trim()
  if (given === '') return false
  keepToken(given)
  return true
}

/** Shows problems, a line each, until it is closed. @param {string} title @param {string} text @param {readonly string[]} lines */
export async function showProblems(title, text, lines) {
  await show(html`
    <h2 id="dialog-title">${title}</h2>
    <p>${text}</p>
    <ul class="problems" tabindex="0">${lines.map((line) => html`<li><code>${line}</code></li>`)}</ul>
    <div class="buttons"><button class="primary" autofocus>Close</button></div>
  `)
}
