// One domain: how it is shared out, what it does now, what went wrong.

import { bucketsView } from './buckets.js'
import { chartsView } from './charts.js'
import { ago, bytes, count, duration, percent, plural, rate } from './format.js'
import { icon, stateMark } from './icons.js'
import { instancesView } from './instances.js'
import { html, nothing } from './lit.js'
import { state } from './store.js'
import { toolsView } from './tools.js'

export function domainView() {
  const { detail, selected, overview } = state
  if (selected === undefined) {
    return html`<section class="panel" id="domain" tabindex="-1">${overview === undefined ? 'Asking the node …' : 'This node serves no domain.'}</section>`
  }
  if (detail === undefined)
    return html`<section class="panel" id="domain" tabindex="-1"><h2>${selected}</h2><p class="empty">${missing()}</p></section>`
  const byName = new Map(state.instances.map((instance) => [instance.name, instance]))
  return html`<section class="panel" id="domain" tabindex="-1" aria-labelledby="domain-title">
      <div class="title"><h2 id="domain-title">${detail.name}</h2>${link(detail.link)}</div>
      <p class="facts" id="facts" tabindex="-1">${facts(detail)}</p>
      ${figures(detail)}
    </section>
    ${bucketsView(detail, byName, state.colours)}
    ${chartsView()}
    ${instancesView(detail, state.colours)}
    ${troubles(detail)}
    ${toolsView(detail)}`
}

function missing() {
  return state.overview?.domains.some((/** @type {any} */ { name }) => name === state.selected) === false
    ? 'No such domain is served here.'
    : 'Asking the node …'
}

/** @param {any} link */
function link(link) {
  if (link === null) return html`<span class="hint">no upstream: reached only by components connected here</span>`
  return html`<span class="linked">link to <code>${link.service}</code> ${stateMark(link.state)} <span class="hint">for ${ago(link.since, state.now)}${link.waiting?.stanzas > 0 ? `, ${plural(link.waiting.stanzas, 'stanza')} wait for the server` : ''}</span>${link.reason ? html` <span class="hint reason">${link.reason}</span>` : nothing}</span>`
}

/** @param {any} detail */
function facts({ balancing, whenUnassigned, delivery, hold, spares }) {
  const held = hold === undefined ? '' : ` up to ${duration(hold.limitSeconds)} and ${bytes(hold.limitBytes)}`
  return html`
    <span>balanced by <b>${balancing === null ? 'any instance, at random' : balancing.type}</b>${balancing?.component_number ? html`, <b>${count(balancing.component_number)}</b> buckets` : nothing}</span>
    <span>without a holder: <b>${whenUnassigned}</b>${whenUnassigned === 'hold' ? held : ''}</span>
    <span>delivery: <b>${String(delivery).replaceAll('_', ' ')}</b></span>
    ${spares?.length > 0 ? html`<span>${plural(spares.length, 'spare')}: <b>${spares.slice(0, 5).join(', ')}${spares.length > 5 ? ' …' : ''}</b></span>` : nothing}
  `
}

/** @param {any} detail */
function figures(detail) {
  const now = state.curves?.now ?? {}
  const { held, hold, window, answers, quarantined, counters } = detail
  const sum = (/** @type {readonly any[]} */ counted) => counted.reduce((total, one) => total + one.count, 0)
  const [bounced, dropped] = [sum(counters.bounced), sum(counters.dropped)]
  return html`<dl class="figures">
    ${figure('received', html`${rate(/** @type {any} */ (now).received)}<small>/s</small>`)}
    ${figure('delivered', html`${rate(/** @type {any} */ (now).delivered)}<small>/s</small>`)}
    ${figure('answers', answers ? duration(answers.p50) : '–', answers ? `99 %: ${duration(answers.p99)}` : 'none lately')}
    ${figure('on hold', count(hold?.stanzas ?? held.stanzas), hold?.oldest ? `stanzas, oldest for ${ago(hold.oldest, state.now)}` : `stanzas, ${bytes(hold?.bytes ?? held.bytes)}`, hold?.stanzas > 0 ? 'warn' : '')}
    ${figure('unconfirmed', count(window?.stanzas ?? 0), `stanzas, ${bytes(window?.bytes ?? 0)}`)}
    ${figure('bounced', count(bounced), 'since start')}
    ${figure('dropped', count(dropped), 'since start')}
    ${figure('quarantined', count(quarantined ?? 0), quarantined > 0 ? 'read it below' : 'none', quarantined > 0 ? 'bad' : '')}
  </dl>`
}

/** @param {string} name @param {unknown} value @param {string} [hint] @param {string} [grave] */
function figure(name, value, hint = '', grave = '') {
  return html`<div class=${grave === '' ? '' : `is-${grave}`}><dt>${name}</dt><dd><span class="value">${grave === '' ? nothing : icon(grave)}${value}</span><span class="hint">${hint}</span></dd></div>`
}

/** @param {any} detail */
function troubles({ counters }) {
  const rows = [
    ...counters.bounced.map((/** @type {any} */ one) => ({ ...one, kind: 'bounced' })),
    ...counters.dropped.map((/** @type {any} */ one) => ({ ...one, kind: 'dropped' })),
  ].sort((one, other) => other.count - one.count)
  const total = rows.reduce((sum, one) => sum + one.count, 0)
  return html`<section class="panel" aria-labelledby="troubles-title">
    <h2 id="troubles-title">Bounced and dropped <span class="hint">since this node started</span></h2>
    ${
      rows.length === 0
        ? html`<p class="empty">${icon('good')}Nothing was bounced or dropped.</p>`
        : html`<div class="scroll"><table class="cards">
            <thead><tr><th>What</th><th>Why</th><th class="num">Stanzas</th><th class="num">Share</th></tr></thead>
            <tbody>${rows.map((row) => html`<tr><th scope="row">${row.kind}${row.condition ? html` <span class="hint">${row.condition}</span>` : nothing}</th><td data-label="Why" class="wide"><code>${row.reason}</code> <span class="hint">${reasons[row.reason] ?? ''}</span></td><td data-label="Stanzas" class="num">${count(row.count)}</td><td data-label="Share" class="num">${percent(row.count / total)}</td></tr>`)}</tbody>
          </table></div>`
    }
  </section>`
}

/** @type {Readonly<Record<string, string>>} */
let reasons = {}
fetch('/page/reasons.json')
  .then((answer) => (answer.ok ? answer.json() : {}))
  .then((known) => {
    reasons = known
  })
  .catch(() => {})
