// The instances of a domain: a table that is filtered, put in order, and shown a page at a time.

import { enableInstance, endInstance } from './actions.js'
import { isSlow } from './findings.js'
import { ago, bytes, count, duration, percent, rate } from './format.js'
import { icon, stateMark } from './icons.js'
import { html, nothing, repeat } from './lit.js'
import { meter } from './nodes.js'
import { pager } from './shell.js'
import { rateOfInstance, slowness, state } from './store.js'
import { change, ui } from './ui.js'

const PER_PAGE = 50

/** @typedef {{instance: any, rate: number | undefined, seconds: number | null, waiting: number}} Row */

/** @type {Record<string, {text: string, key: (row: Row) => string | number, number?: boolean, title?: string}>} */
const columns = {
  name: { text: 'Instance', key: ({ instance }) => instance.name },
  state: { text: 'State', key: ({ instance }) => instance.state },
  bucket: {
    text: 'Bucket',
    key: ({ instance }) => instance.bucket ?? instance.weight ?? Number.POSITIVE_INFINITY,
    number: true,
  },
  rate: { text: 'Stanzas/s', key: (row) => row.rate ?? 0, number: true },
  seconds: {
    text: 'Answers in',
    key: (row) => row.seconds ?? 0,
    number: true,
    title: 'How long it takes to answer requests (95 of 100) or to confirm what it was sent, whichever is longer',
  },
  waiting: {
    text: 'Waiting bytes',
    key: (row) => row.waiting,
    number: true,
    title: 'Bytes that wait in its outbox, or were sent and are not confirmed',
  },
  unanswered: {
    text: 'Unanswered',
    key: ({ instance }) => instance.unanswered,
    number: true,
    title: 'Requests that it has not answered yet',
  },
  node: { text: 'Node', key: ({ instance }) => instance.node },
  since: { text: 'Connected', key: ({ instance }) => -Date.parse(instance.connectedSince) },
}

/** @param {any} detail @param {Map<string, number>} colours */
export function instancesView(detail, colours) {
  const all = state.instances
  const wanted = ui.instanceFilter.trim().toLowerCase()
  const rows = all
    .filter(
      ({ name, state, node, remote }) =>
        wanted === '' || `${name} ${state} ${node} ${remote}`.toLowerCase().includes(wanted),
    )
    .map(rowOf)
  sort(rows)
  const pages = Math.max(1, Math.ceil(rows.length / PER_PAGE))
  const page = Math.min(ui.instancePage, pages - 1)
  const shown = rows.slice(page * PER_PAGE, (page + 1) * PER_PAGE)
  const word = placeWord(detail)
  const total = all.reduce((sum, instance) => sum + (rateOfInstance(instance) ?? 0), 0)
  return html`<section class="panel" id="instances" tabindex="-1" aria-labelledby="instances-title">
    <div class="title">
      <h2 id="instances-title">Instances <span class="badge">${count(all.length)}</span></h2>
      <input type="search" placeholder="Filter by name, state, node" aria-label="Filter instances" .value=${ui.instanceFilter}
        @input=${(/** @type {any} */ event) => change({ instanceFilter: event.target.value, instancePage: 0 })} />
    </div>
    ${
      all.length === 0
        ? html`<p class="empty">No instance is connected for this domain.</p>`
        : html`<div class="scroll" tabindex="0" role="group" aria-label="Table of instances"><table class="cards instances">
            <thead><tr>${Object.entries(columns).map(([by, column]) => heading(by, by === 'bucket' ? { ...column, text: word } : column))}<th><span class="visually-hidden">Actions</span></th></tr></thead>
            <tbody>${repeat(
              shown,
              ({ instance }) => `${instance.node} ${instance.name}`,
              (row) => rowView(detail, row, total, colours, word),
            )}</tbody>
          </table></div>`
    }
    ${all.length === 0 ? nothing : html`<p class="hint">Answers in: what 95 of 100 answers were within, or what it takes to confirm what it was sent, whichever is longer. Unanswered: requests.</p>`}
    ${all.length > 0 && rows.length === 0 ? html`<p class="empty">No instance matches “${ui.instanceFilter}”. <button class="small" @click=${() => change({ instanceFilter: '' })}>Show all</button></p>` : nothing}
    ${pages > 1 ? pager(page, pages, (to) => change({ instancePage: to })) : nothing}
  </section>`
}

/** @param {any} instance @returns {Row} */
function rowOf(instance) {
  const waiting = instance.outboxBytes + (instance.window?.bytes ?? 0)
  return { instance, rate: rateOfInstance(instance), seconds: slowness(instance), waiting }
}

/** @param {Row[]} rows */
function sort(rows) {
  const key = columns[ui.order.by]?.key ?? (({ instance }) => instance.name)
  const sign = ui.order.down ? -1 : 1
  rows.sort((one, other) => {
    const [a, b] = [key(one), key(other)]
    if (typeof a === 'string' || typeof b === 'string') return sign * collator.compare(String(a), String(b))
    return a === b ? 0 : sign * (a < b ? -1 : 1)
  })
}
const collator = new Intl.Collator('en', { numeric: true })

/** @param {string} by @param {(typeof columns)[string]} column */
function heading(by, { text, number, title }) {
  const isChosen = ui.order.by === by
  const sorted = isChosen ? (ui.order.down ? 'descending' : 'ascending') : 'none'
  const turn = () => change({ order: { by, down: isChosen ? !ui.order.down : number === true } })
  return html`<th class=${number ? 'num' : ''} aria-sort=${sorted}><button class="sort" title=${title ?? nothing} @click=${turn}>${text}<span class="arrow" aria-hidden="true">${isChosen ? (ui.order.down ? '↓' : '↑') : ''}</span></button></th>`
}

/** What an instance has of its own: a bucket or, where there are none and some count more than others, its weight. @param {any} detail */
function placeWord({ buckets, canary }) {
  if (buckets.length > 0) return 'Bucket'
  const isWeighed = canary !== null || state.instances.some(({ weight }) => weight !== null && weight !== 1)
  return isWeighed ? 'Weight' : 'Bucket'
}

/** @param {any} detail @param {string} word @param {any} instance */
function placeOf(detail, word, { name, state: status, bucket, weight }) {
  if (detail.canary?.instance === name) return `canary ${detail.canary.percent} %`
  if (status === 'spare') return 'spare'
  return bucket ?? (word === 'Weight' && weight !== null ? Number(weight.toFixed(2)) : '–')
}

/** @param {any} detail @param {Row} row @param {number} total @param {Map<string, number>} colours @param {string} word */
function rowView(detail, { instance, rate: own, seconds, waiting }, total, colours, word) {
  const { name: domain } = detail
  const { name, state: status, node, unanswered, connectedSince, remote } = instance
  const slowest = state.overview?.domains.find((/** @type {any} */ one) => one.name === domain)?.slowest
  const slow = isSlow(slowest) && slowest.instance === name
  const share = total > 0 && own !== undefined ? own / total : undefined
  const isDraining = status === 'draining'
  const isBusy = ['Drain', 'Kick', 'Enable'].some((word) => ui.busy.has(`${word} ${name}`))
  return html`<tr class=${slow ? 'is-slow' : ''}>
    <th scope="row"><span class="swatch colour-${colours.get(name) ?? 0}" aria-hidden="true"></span>${name}</th>
    <td data-label="State">${stateMark(status)}</td>
    <td data-label=${word} class="num">${placeOf(detail, word, instance)}</td>
    <td data-label="Stanzas/s" class="num">${share === undefined ? nothing : html`${meter(share)}<span class="hint">${percent(share)}</span> `}${rate(own)}</td>
    <td data-label="Answers in" class="num">${slow ? html`<b class="is-warn">${icon('warn')} slow ${duration(seconds)}</b>` : duration(seconds)}</td>
    <td data-label="Waiting bytes" class="num">${bytes(waiting)}</td>
    <td data-label="Unanswered" class="num">${count(unanswered)}</td>
    <td data-label="Node">${node}</td>
    <td data-label="Connected"><time datetime=${connectedSince} title="${connectedSince}, from ${remote}">${ago(connectedSince, state.now)}</time></td>
    <td class="actions">
      <button class="small" aria-disabled=${isBusy ? 'true' : nothing} @click=${() => (isDraining ? enableInstance(domain, name) : endInstance(domain, name, 'drain'))} aria-label="${isDraining ? 'Enable' : 'Drain'} ${name}">${isDraining ? 'Enable' : 'Drain'}</button>
      <button class="small grave" aria-disabled=${isBusy ? 'true' : nothing} @click=${() => endInstance(domain, name, 'kick')} aria-label="Kick ${name}">Kick</button>
    </td>
  </tr>`
}
