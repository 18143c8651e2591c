// What one asks of a domain: where a stanza would go, which keys are hot, what another balancing would change, and what
// is in quarantine.

import { askWithToken } from './actions.js'
import { domainPath, read } from './api.js'
import { fate } from './consequences.js'
import { confirmed } from './dialogs.js'
import { bytes, clock, count } from './format.js'
import { icon } from './icons.js'
import { html, nothing } from './lit.js'
import { keysView, previewView } from './preview.js'
import { look } from './store.js'
import { toast } from './toasts.js'
import { change, during, ui } from './ui.js'

/** @param {any} detail */
export function toolsView(detail) {
  return html`<div class="tools">
    <div>${keysView(detail)}${explainView(detail)}</div>
    <div>${previewView(detail)}${quarantineView(detail)}</div>
  </div>`
}

/** @param {any} detail */
function explainView(detail) {
  const { name } = detail
  const explain = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target))
    const query = new URLSearchParams({ from: String(form.get('from')).trim(), to: String(form.get('to')).trim() })
    during('Explain', async () => {
      const explained = await read(domainPath(name, `/explain?${query}`)).catch((error) => ({ problem: error.message }))
      change({ explained })
    })
  }
  return html`<section class="panel" id="explain" tabindex="-1" aria-labelledby="explain-title">
    <h2 id="explain-title">Where would a stanza go?</h2>
    <form class="row" @submit=${explain}>
      <label>From <input name="from" required placeholder="romeo@example.org/garden" autocomplete="off" spellcheck="false" /></label>
      <label>To <input name="to" required placeholder="bot@${name}" autocomplete="off" spellcheck="false" /></label>
      <button aria-disabled=${ui.busy.has('Explain') ? 'true' : nothing}>Explain</button>
    </form>
    <div aria-live="polite" id="explained">${explained(ui.explained, detail)}</div>
  </section>`
}

/** @param {any} found @param {any} detail */
function explained(found, { whenUnassigned, hold }) {
  if (found === undefined) return nothing
  if (found.problem !== undefined) return html`<p class="refused">${icon('bad')}${found.problem}</p>`
  const { criterion, key, bucket, outcome, instance, node, because } = found
  const isDelivered = outcome === 'deliver' || outcome === 'forward'
  const verdict = isDelivered
    ? outcome
    : `${bucket === null ? 'no instance' : 'no holder'}: ${fate(whenUnassigned === 'spill' ? 'hold' : whenUnassigned, hold)}`
  return html`<p class="verdict ${isDelivered ? '' : 'is-warn'}">${icon(isDelivered ? 'good' : 'warn')}<b>${verdict}</b>${instance === null ? nothing : html` to <b>${instance}</b>`}${node === null ? nothing : html` at node <b>${node}</b>`}</p>
    <dl class="pairs">
      <dt>criterion</dt><dd>${criterion}</dd>
      <dt>key</dt><dd>${key === null ? 'none' : html`<code>${key}</code>`}</dd>
      <dt>bucket</dt><dd>${bucket === null ? 'none' : bucket}</dd>
      <dt>why</dt><dd>${because}</dd>
    </dl>`
}

/** @param {any} detail */
function quarantineView({ name, quarantined = 0 }) {
  const show = () =>
    during('Quarantine', async () => {
      try {
        const answer = await askWithToken('GET', domainPath(name, '/quarantine'))
        if (answer !== undefined) change({ quarantine: answer.items })
      } catch (error) {
        toast('bad', `Quarantine: ${error instanceof Error ? error.message : String(error)}`)
      }
    })
  return html`<section class="panel" id="quarantine" tabindex="-1" aria-labelledby="quarantine-title">
    <h2 id="quarantine-title">Quarantine <span class="badge ${quarantined > 0 ? 'is-bad' : ''}">${count(quarantined)}</span></h2>
    <p class="hint">Stanzas that closed every instance that they were given to. They hold what users wrote: reading them needs the token, and is logged.</p>
    <div class="buttons">
      <button @click=${show} aria-disabled=${ui.busy.has('Quarantine') ? 'true' : nothing}>Show stanzas</button>
      ${ui.quarantine?.length > 0 ? html`<button class="grave" @click=${() => empty(name)}>Forget all</button>` : nothing}
    </div>
    ${ui.quarantine === undefined ? nothing : ui.quarantine.length === 0 ? html`<p class="empty">Nothing is in quarantine.</p>` : html`<ol class="stanzas">${ui.quarantine.map(stanzaView)}</ol>`}
  </section>`
}

/** @param {any} entry */
function stanzaView({ since, stanza, from, to, bytes: size }) {
  return html`<li><span class="hint"><time datetime=${since}>${clock(since)}</time>${from ? html` from <b>${from}</b>` : nothing}${to ? html` to <b>${to}</b>` : nothing}${size ? ` · ${bytes(size)}` : ''}</span><pre tabindex="0">${stanza}</pre></li>`
}

/** @param {string} name */
async function empty(name) {
  const text = `What is in quarantine for ${name} is forgotten for good.`
  if (!(await confirmed({ title: 'Forget all?', text, action: 'Forget all', grave: true }))) return
  try {
    if ((await askWithToken('DELETE', domainPath(name, '/quarantine'))) === undefined) return
    change({ quarantine: [] })
    toast('good', 'The quarantine is empty.')
    look(0)
  } catch (error) {
    toast('bad', `Quarantine: ${error instanceof Error ? error.message : String(error)}`)
  }
}
