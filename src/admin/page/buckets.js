// The buckets as a strip, coloured by holder. One without a holder is striped, outlined, crossed and named.

import { bytes, count, percent, plural, ranges, rate } from './format.js'
import { icon } from './icons.js'
import { html, nothing } from './lit.js'
import { rateOfInstance } from './store.js'
import { change, ui } from './ui.js'

/** Up to so many, a cell has room for the name of its holder; and for its number. */
const NAMED = 24
const NUMBERED = 160

/** @param {any} detail @param {Map<string, any>} byName @param {Map<string, number>} colours */
export function bucketsView(detail, byName, colours) {
  const { buckets } = detail
  if (buckets.length === 0) return nothing
  const dead = buckets.filter((/** @type {any} */ bucket) => bucket.holder === null)
  const size = buckets.length <= NAMED ? 'named' : buckets.length <= NUMBERED ? 'numbered' : 'bare'
  const shares = sharesOf(buckets, byName)
  const at = Math.min(ui.bucket, buckets.length - 1)
  const current = buckets[at]
  return html`<section class="panel" id="buckets" tabindex="-1" aria-labelledby="buckets-title">
    <div class="title"><h2 id="buckets-title">Buckets <span class="badge">${count(buckets.length)}</span></h2>${legend()}</div>
    ${
      dead.length > 0
        ? html`<p class="deadline">${icon('bad')}<b>No holder: ${plural(dead.length, 'bucket')}</b> <span class="numbers">${ranges(dead.map((/** @type {any} */ { bucket }) => bucket))}</span></p>`
        : nothing
    }
    <div class="strip is-${size}" role="listbox" tabindex="0" aria-label="Buckets by holder; arrow keys move, Enter finds the holder" aria-activedescendant="bucket-${at}"
      @keydown=${(/** @type {KeyboardEvent} */ event) => move(event, buckets)}>
      ${buckets.map((/** @type {any} */ bucket) => cell(bucket, byName, colours, shares, size, at))}
    </div>
    <p class="readout" aria-live="off">${readout(current, byName, shares)}</p>
  </section>`
}

/** @param {any} bucket @param {Map<string, any>} byName @param {Map<string, number>} colours @param {Map<string, number>} shares @param {string} size @param {number} at */
function cell({ bucket, holder }, byName, colours, shares, size, at) {
  const status = holder === null ? 'dead' : (byName.get(holder)?.state ?? 'active')
  const colour = holder === null ? 'none' : (colours.get(holder) ?? bucket % 8)
  const share = shares.get(holder) ?? 0
  return html`<div id="bucket-${bucket}" role="option" class="bucket is-${status} colour-${colour}" aria-selected=${bucket === at ? 'true' : 'false'}
    aria-label=${labelOf(bucket, holder, status)} title=${labelOf(bucket, holder, status)} @click=${() => choose(bucket, holder)}>
    ${size === 'bare' ? nothing : html`<span class="number">${bucket}</span>`}
    ${size === 'named' ? html`<span class="holder">${holder ?? 'no holder'}</span>` : nothing}
    ${size === 'named' ? shareBar(share) : nothing}
  </div>`
}

/** @param {number} share of the domain's traffic */
function shareBar(share) {
  return html`<svg class="share" width="100%" height="4" aria-hidden="true"><rect width="${Math.round(share * 100)}%" height="4" /></svg>`
}

/** @param {number} bucket @param {string | null} holder @param {string} status */
function labelOf(bucket, holder, status) {
  return holder === null
    ? `bucket ${bucket}: no holder`
    : `bucket ${bucket}: ${holder}${status === 'active' ? '' : `, ${status}`}`
}

/** @param {any} current @param {Map<string, any>} byName @param {Map<string, number>} shares */
function readout({ bucket, holder, last, held }, byName, shares) {
  if (holder === null)
    return html`Bucket <b>${bucket}</b>: <b class="is-bad">no holder</b>${last ? html`; the last was <b>${last}</b>` : nothing}. ${plural(held?.stanzas ?? 0, 'stanza')} on hold for it, ${bytes(held?.bytes ?? 0)}.`
  const instance = byName.get(holder)
  const share = shares.get(holder)
  return html`Bucket <b>${bucket}</b>: ${holder}${instance === undefined ? '' : `, ${instance.state}, at node ${instance.node}`}${share === undefined ? '' : `, ${percent(share)} of the traffic (${rate(instance && rateOfInstance(instance))}/s)`}.`
}

/** Each holder's share of what the domain's instances were delivered in the last seconds. @param {readonly any[]} buckets @param {Map<string, any>} byName @returns {Map<string, number>} */
function sharesOf(buckets, byName) {
  const rates = new Map(
    buckets.map(({ holder }) => [holder, byName.has(holder) ? (rateOfInstance(byName.get(holder)) ?? 0) : 0]),
  )
  const total = [...rates.values()].reduce((sum, own) => sum + own, 0)
  return total === 0 ? new Map() : new Map([...rates].map(([holder, own]) => [holder, own / total]))
}

function legend() {
  const kinds = [
    ['dead', 'no holder'],
    ['active', 'active'],
    ['draining', 'draining'],
    ['stalled', 'stalled or suspect'],
    ['unconfirmed', 'unconfirmed'],
  ]
  return html`<ul class="legend" aria-label="Legend">${kinds.map(([kind, text]) => html`<li><span class="bucket is-${kind} colour-${kind === 'dead' ? 'none' : '0'}" aria-hidden="true"></span>${text}</li>`)}</ul>`
}

/** @param {number} bucket @param {string | null} holder */
function choose(bucket, holder) {
  change({ bucket, instanceFilter: holder ?? '', instancePage: 0 })
}

/** @param {KeyboardEvent} event @param {readonly any[]} buckets */
function move(event, buckets) {
  const strip = /** @type {HTMLElement} */ (event.currentTarget)
  const row = Math.max(1, getComputedStyle(strip).gridTemplateColumns.split(' ').length)
  const steps = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -row,
    ArrowDown: row,
    Home: -buckets.length,
    End: buckets.length,
  }
  if (event.key === 'Enter') return choose(ui.bucket, buckets[ui.bucket]?.holder ?? null)
  const step = /** @type {any} */ (steps)[event.key]
  if (step === undefined) return
  event.preventDefault()
  const to = Math.min(buckets.length - 1, Math.max(0, ui.bucket + step))
  change({ bucket: to })
  document.getElementById(`bucket-${to}`)?.scrollIntoView({ block: 'nearest' })
}
