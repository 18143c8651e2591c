// Tuning by evidence: a sample of the traffic, its hottest keys, and what another balancing would do to it.

import { askWithToken } from './actions.js'
import { domainPath } from './api.js'
import { clock, count, percent, plural } from './format.js'
import { icon } from './icons.js'
import { html, nothing } from './lit.js'
import { meter } from './nodes.js'
import { state } from './store.js'
import { toast } from './toasts.js'
import { change, during, ui } from './ui.js'

const SHOWN_KEYS = 8
const SHOWN_SHARES = 12
/** A key with so much of all traffic is worth a word. */
const HOT_SHARE = 0.1
const SLACK_MS = 60_000

const criteria = ['bare_source', 'source', 'bare_destination', 'destination', 'random']

/** @param {any} detail */
export function keysView(detail) {
  const take = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const seconds = Number(new FormData(/** @type {HTMLFormElement} */ (event.target)).get('seconds'))
    sampleFor(detail, seconds)
  }
  const isBusy = ui.busy.has('Sample')
  return html`<section class="panel" id="keys" tabindex="-1" aria-labelledby="keys-title">
    <h2 id="keys-title">Hot keys</h2>
    <form class="row" @submit=${take}>
      <label>Look at the traffic for <select name="seconds"><option value="10">10 seconds</option><option value="3">3 seconds</option><option value="30">30 seconds</option><option value="60">1 minute</option></select></label>
      <button aria-disabled=${isBusy ? 'true' : nothing}>${isBusy ? 'Sampling …' : 'Sample'}</button>
    </form>
    <div aria-live="polite" id="sampled">${isBusy ? html`<p class="hint">Stanzas of ${detail.name} are being looked at, on all nodes …</p>` : sampled(ui.sampled)}</div>
  </section>`
}

/** A sample, and how the balancing that is in force shares it out. @param {any} detail @param {number} seconds */
function sampleFor(detail, seconds) {
  during('Sample', async () => {
    try {
      const timeout = seconds * 1000 + SLACK_MS
      const sample = await askWithToken(
        'GET',
        domainPath(detail.name, `/sample?seconds=${seconds}`),
        undefined,
        timeout,
      )
      if (sample === undefined) return
      const shares = await askWithToken(
        'POST',
        domainPath(detail.name, '/preview'),
        { balancing: inForce(detail), sample },
        SLACK_MS,
      )
      // The reader may have gone to another domain meanwhile.
      if (shares !== undefined && state.selected === detail.name) change({ sampled: { sample, shares } })
    } catch (error) {
      toast('bad', `Sample: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
}

/**
 * The domain's entry of domain_balancing, as the preview takes it. What else is shown of the balancing is no part of that
 * entry, and would be refused.
 * @param {any} detail
 */
function inForce({ balancing }) {
  if (balancing === null) return null
  const { type, component_number } = balancing
  return { type, ...(component_number === null ? {} : { component_number }) }
}

/** @param {any} found */
function sampled(found) {
  if (found === undefined)
    return html`<p class="hint">Which keys make the most of the traffic. A sample shows addresses of users, so it needs the token.</p>`
  const { sample, shares } = found
  const { hottest, imbalance } = shares.now
  const first = hottest[0]
  return html`<p>${plural(sample.stanzas, 'stanza')} in ${Math.round(sample.seconds)} s, at ${clock(sample.since)}${sample.kept < sample.stanzas ? html` <span class="hint">(${count(sample.kept)} kept, at random)</span>` : nothing}. Imbalance <b>${imbalance.toFixed(2)}</b> <span class="hint">(greatest share over the mean; 1 is even)</span></p>
    ${silent(sample.silent)}
    ${first === undefined ? html`<p class="empty">${sample.stanzas > 0 ? 'It is shared out at random, which reads no keys.' : 'No stanza came.'}</p>` : first.share >= HOT_SHARE ? html`<p class="verdict is-warn">${icon('warn')}<b>${first.key}</b> alone makes ${percent(first.share)} of the traffic.</p>` : html`<p class="verdict">${icon('good')}No key makes a tenth of the traffic.</p>`}
    ${hottest.length === 0 ? nothing : keysTable(hottest)}`
}

/** @param {readonly string[] | undefined} nodes */
function silent(nodes) {
  return nodes !== undefined && nodes.length > 0
    ? html`<p class="refused">${icon('warn')}Without ${nodes.join(', ')}: no answer in time.</p>`
    : nothing
}

/** @param {readonly any[]} hottest */
function keysTable(hottest) {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Hottest keys"><table class="cards hot">
    <thead><tr><th>Key</th><th class="num">Share</th><th class="num">Bucket</th><th>Instance</th></tr></thead>
    <tbody>${hottest
      .slice(0, SHOWN_KEYS)
      .map(
        (hot) =>
          html`<tr class=${hot.share >= HOT_SHARE ? 'is-hot' : ''}><td class="wide"><code>${hot.key}</code></td><td data-label="Share" class="num">${meter(hot.share, hot.share >= HOT_SHARE ? 'warn' : 'accent')}${percent(hot.share)}</td><td data-label="Bucket" class="num">${hot.bucket ?? '–'}</td><td data-label="Instance">${hot.instance ?? html`<b class="is-bad">no holder</b>`}</td></tr>`,
      )}</tbody>
  </table></div>`
}

/** @param {any} detail */
export function previewView(detail) {
  const { balancing } = detail
  const preview = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target))
    const type = String(form.get('type'))
    const number = String(form.get('component_number')).trim()
    previewOf(detail, { type, ...(number === '' ? {} : { component_number: Number(number) }) })
  }
  const isBusy = ui.busy.has('Preview')
  return html`<section class="panel" id="preview" tabindex="-1" aria-labelledby="preview-title">
    <h2 id="preview-title">Preview a change of balancing</h2>
    <form class="row" @submit=${preview}>
      <label>Criterion <select name="type">${criteria.map((one) => html`<option value=${one} ?selected=${one === balancing?.type}>${one}</option>`)}</select></label>
      <label>Buckets <input name="component_number" type="number" min="2" max="1000" placeholder="none" .defaultValue=${String(balancing?.component_number ?? '')} /></label>
      <button aria-disabled=${isBusy ? 'true' : nothing}>${isBusy ? 'Working it out …' : 'Preview'}</button>
    </form>
    <p class="hint">${ui.sampled === undefined ? 'Takes a sample of 10 seconds first.' : `From the sample of ${clock(ui.sampled.sample.since)}.`} Nothing is changed: that is done in the configuration, where the number of buckets is <code>component_number</code>.</p>
    <div aria-live="polite" id="previewed">${isBusy ? nothing : previewed(ui.previewed)}</div>
  </section>`
}

/** @param {any} detail @param {any} balancing */
function previewOf(detail, balancing) {
  during('Preview', async () => {
    const sample = ui.sampled?.sample
    const body = { balancing, ...(sample === undefined ? { seconds: 10 } : { sample }) }
    try {
      const answer = await askWithToken('POST', domainPath(detail.name, '/preview'), body, SLACK_MS + 10_000)
      if (answer !== undefined && state.selected === detail.name) change({ previewed: { answer } })
    } catch (error) {
      change({ previewed: { problem: error instanceof Error ? error.message : String(error) } })
    }
  })
}

/** @param {any} found */
function previewed(found) {
  if (found === undefined) return nothing
  if (found.problem !== undefined) return html`<p class="refused">${icon('bad')}${found.problem}</p>`
  const { now, proposed, move, sample } = found.answer
  if (move.weight === 0) return html`<p class="empty">No stanza came while it was looked at: nothing can be said.</p>`
  return html`${moveVerdict(now, proposed, move)}
    ${silent(sample?.silent)}
    <div class="compare">${sharesTable('Now', now)}${sharesTable('Proposed', proposed)}</div>`
}

/** @param {any} now @param {any} proposed @param {any} move */
function moveVerdict(now, proposed, move) {
  if (isRandom(proposed))
    return html`<p class="verdict is-warn">${icon('warn')}<b>No key stays with an instance</b>: at random each stanza goes to any of them${isRandom(now) ? ', as now' : ''}. The shares are as they come to on average, by weight.</p>`
  if (isRandom(now))
    return html`<p class="verdict is-warn">${icon('warn')}<b>Now no key stays with an instance</b>, as it is at random: what moves cannot be said. With ${proposed.type} each key would stay with one.</p>`
  const moved = move.moved / move.weight
  const keys = move.keys === 0 ? 0 : move.movedKeys / move.keys
  return html`<p class="verdict ${moved > 0.5 ? 'is-warn' : ''}">${icon(moved > 0.5 ? 'warn' : 'good')}<b>${percent(moved)} of the traffic</b> and ${move.keysComplete ? '' : 'at least '}${count(move.movedKeys)} of ${count(move.keys)} keys (${percent(keys)}) would move to another instance.${move.unpredictable > 0 ? ` ${percent(move.unpredictable / move.weight)} goes anywhere, at random.` : ''}</p>`
}

/** @param {any} shares */
function isRandom({ type }) {
  return type === null || type === 'random'
}

/** @param {string} title @param {any} shares */
function sharesTable(title, { type, component_number, imbalance, unassigned, weight, shares }) {
  const most = shares.reduce((/** @type {number} */ high, /** @type {any} */ one) => Math.max(high, one.share), 0)
  const shown = shares.slice(0, SHOWN_SHARES)
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Shares: ${title}"><table>
    <caption><b>${title}</b>: ${type ?? 'any instance'}${component_number === null ? '' : `, ${component_number} buckets`}<br /><span class="hint">imbalance ${imbalance.toFixed(2)}${unassigned > 0 ? html`, <b class="is-bad">${percent(unassigned / weight)} meets no holder</b>` : nothing}</span></caption>
    <thead><tr><th class="num">Bucket</th><th>Instance</th><th class="num">Share</th></tr></thead>
    <tbody>${shown.map((/** @type {any} */ one) => html`<tr><td class="num">${one.bucket ?? '–'}</td><td>${one.instance ?? html`<b class="is-bad">no holder</b>`}</td><td class="num">${meter(most === 0 ? 0 : one.share / most)}${percent(one.share)}</td></tr>`)}</tbody>
  </table>${shares.length > shown.length ? html`<p class="hint">and ${count(shares.length - shown.length)} more</p>` : nothing}</div>`
}
