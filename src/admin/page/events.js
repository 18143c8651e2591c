// What has happened since the page was opened, newest first.

import { clock, count } from './format.js'
import { html, nothing } from './lit.js'
import { state } from './store.js'

const SHOWN = 100
const grave = new Map([
  ...[
    'node_left',
    'cluster_down',
    'cluster_fenced',
    'cluster_lost',
    'bucket_unassigned',
    'link_down',
    'config_refused',
  ].map((name) => /** @type {const} */ ([name, 'bad'])),
  ...[
    'instance_left',
    'instance_stalled',
    'instance_suspect',
    'hold_started',
    'hold_expired',
    'inbox_full',
    'journal_full',
    'drain_started',
    'stopping',
    'dropped',
  ].map((name) => /** @type {const} */ ([name, 'warn'])),
])

export function eventsView() {
  const { events } = state
  return html`<section class="panel" aria-labelledby="events-title">
    <h2 id="events-title">Events <span class="hint">since this page was opened</span></h2>
    ${events.length === 0 ? html`<p class="empty">Nothing has happened yet.</p>` : nothing}
    <div class="events" role="log" tabindex="0" aria-labelledby="events-title"><ol>
      ${events
        .slice(0, SHOWN)
        .map(
          ({ name, fields, times }) =>
            html`<li><time datetime=${fields.time}>${clock(fields.time)}</time> <b class="is-${grave.get(name) ?? 'plain'}">${name.replaceAll('_', ' ')}</b>${times > 1 ? html` <span class="badge">${count(times)} times</span>` : nothing} <span class="hint">${times > 1 ? 'last: ' : ''}${said(fields)}</span></li>`,
        )}
    </ol></div>
  </section>`
}

/** @param {any} fields */
function said({ time: _time, ...fields }) {
  return Object.entries(fields)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')
}
