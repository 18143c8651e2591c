// The frame of the page: the bar on top, what needs attention, the list of domains.

import { dropToken, giveToken, reload } from './actions.js'
import { token } from './api.js'
import { focusSoon } from './focus.js'
import { count, plural, rate } from './format.js'
import { icon } from './icons.js'
import { html, live, nothing, repeat } from './lit.js'
import { look, rateOf, select, state } from './store.js'
import { change, ui } from './ui.js'

const DOMAINS_PER_PAGE = 100
const MOST_FINDINGS = 6

export function topBar() {
  const self = state.nodes.find((/** @type {any} */ node) => node.self)
  return html`<header class="top">
    <div class="brand"><img src="/page/icon.svg" alt="" width="24" height="24" /><h1>Switchyard</h1>
      ${self === undefined ? nothing : html`<span class="hint">as <b>${self.name}</b> sees it</span>`}</div>
    ${connection()}
    <div class="buttons">
      <button @click=${reload} aria-disabled=${ui.busy.has('Reload') ? 'true' : nothing}>${icon('reload')}Reload config</button>
      <button id="token" @click=${token() === null ? giveToken : dropToken}>${icon('key')}${token() === null ? 'Give token' : 'Forget token'}</button>
      <button @click=${nextTheme} aria-label="Colours: ${theme()}. Change">${icon('theme')}${theme()}</button>
    </div>
  </header>`
}

function connection() {
  const texts = { connecting: 'connecting', live: 'live', lost: 'not connected' }
  const marks = { connecting: 'joining', live: 'active', lost: 'bad' }
  const grave = { connecting: 'idle', live: 'ok', lost: 'bad' }[state.connection]
  return html`<span class="state pill is-${grave}">${icon(marks[state.connection])}${texts[state.connection]}</span>`
}

export function lostBanner() {
  if (state.connection !== 'lost' && state.trouble === undefined) return nothing
  return html`<div class="banner">
    ${icon('bad')}
    <p><b>The connection to the node is lost.</b> What is shown is as it was. Trying again …
      ${state.trouble === undefined ? nothing : html`<span class="hint">(${state.trouble})</span>`}</p>
    <button @click=${() => look(0)}>Try now</button>
  </div>`
}

/** Once, where actions would be refused. */
export function readOnlyHint() {
  if (token() !== null) return nothing
  return html`<p class="readonly">${icon('key')}Read-only: what changes something or shows addresses needs <b>the token</b>. You are asked for it when it is needed.</p>`
}

export function attention() {
  const { findings, overview } = state
  if (overview === undefined) return nothing
  if (findings.length === 0) {
    return html`<section class="attention is-calm" aria-labelledby="attention-title">
      <h2 id="attention-title">${icon('good')}Nothing needs attention</h2>
    </section>`
  }
  const shown = findings.slice(0, MOST_FINDINGS)
  return html`<section class="attention" aria-labelledby="attention-title">
    <h2 id="attention-title">${icon('warn')}Needs attention <span class="badge">${count(findings.length)}</span></h2>
    <ul>
      ${repeat(
        shown,
        ({ key }) => key,
        (finding) => html`<li class="finding is-${finding.level}">
          <button @click=${() => go(finding)}>
            <span class="what">${icon(finding.level)}<span class="where">${finding.where}</span> ${finding.what}</span>
            <span class="hint">${finding.hint}</span>
          </button>
        </li>`,
      )}
    </ul>
    ${findings.length > shown.length ? html`<p class="hint">and ${count(findings.length - shown.length)} more</p>` : nothing}
  </section>`
}

/** Shows what a finding is about. @param {import('./findings.js').Finding} finding */
function go(finding) {
  if (finding.domain !== undefined) select(finding.domain)
  const domain = state.overview?.domains.find((/** @type {any} */ { name }) => name === finding.domain)
  // What was chosen of another domain is forgotten when this one is drawn first.
  requestAnimationFrame(() => {
    if (finding.go === 'instances') change({ instanceFilter: finding.instance ?? '', instancePage: 0 })
    if (finding.go === 'buckets' && domain?.unassigned.length > 0) change({ bucket: domain.unassigned[0].bucket })
  })
  focusSoon(finding.go)
  change({})
}

export function domainList() {
  const all = state.overview?.domains ?? []
  const wanted = ui.domainFilter.trim().toLowerCase()
  const found = wanted === '' ? all : all.filter((/** @type {any} */ domain) => domain.name.includes(wanted))
  const pages = Math.max(1, Math.ceil(found.length / DOMAINS_PER_PAGE))
  const page = Math.min(ui.domainPage, pages - 1)
  const shown = found.slice(page * DOMAINS_PER_PAGE, (page + 1) * DOMAINS_PER_PAGE)
  const toggle = (/** @type {Event} */ event) => {
    // Where there is room it is open anyhow.
    if (!wide.matches) change({ domainsOpen: /** @type {HTMLDetailsElement} */ (event.target).open })
  }
  return html`<nav class="domains" id="domains" tabindex="-1" aria-label="Domains">
    <details .open=${live(ui.domainsOpen || wide.matches)} @toggle=${toggle}>
      <summary>Domains <span class="badge">${count(all.length)}</span> <span class="current">${state.selected ?? ''}</span></summary>
      <input type="search" placeholder="Filter domains" aria-label="Filter domains" .value=${ui.domainFilter}
        @input=${(/** @type {any} */ event) => change({ domainFilter: event.target.value, domainPage: 0 })} />
      <ul>
        ${repeat(shown, (/** @type {any} */ { name }) => name, domainRow)}
      </ul>
      ${found.length === 0 ? html`<p class="hint">No domain is called so.</p>` : nothing}
      ${pages > 1 ? pager(page, pages, (to) => change({ domainPage: to })) : nothing}
    </details>
  </nav>`
}

/** @param {any} domain */
function domainRow(domain) {
  const { name, bucketsUnassigned } = domain
  const isCurrent = name === state.selected
  const trouble = state.findings.filter((finding) => finding.domain === name)
  const level = trouble.some(({ level }) => level === 'bad') ? 'bad' : trouble.length > 0 ? 'warn' : undefined
  const instances =
    Object.values(domain.instances).reduce((/** @type {number} */ sum, many) => sum + Number(many), 0) +
    domain.instancesElsewhere
  const pick = (/** @type {Event} */ event) => {
    event.preventDefault()
    change({ domainsOpen: false })
    focusSoon('domain', wide.matches ? 'nearest' : 'start')
    select(name)
    change({})
  }
  return html`<li>
    <a href="#/${encodeURIComponent(name)}" aria-current=${isCurrent ? 'true' : 'false'} @click=${pick}>
      <span class="name">${level === undefined ? nothing : html`<span class="is-${level}">${icon(level)}</span>`}${name}</span>
      <span class="rate">${rate(rateOf(name))}<span class="unit">/s</span></span>
      <span class="hint">${plural(instances, 'instance')}${bucketsUnassigned > 0 ? html` · <b class="is-bad">${plural(bucketsUnassigned, 'dead bucket')}</b>` : nothing}${domain.held.stanzas > 0 ? ` · ${plural(domain.held.stanzas, 'stanza')} waiting` : ''}</span>
    </a>
  </li>`
}

/** @param {number} page @param {number} pages @param {(page: number) => void} turn */
export function pager(page, pages, turn) {
  return html`<div class="pager">
    <button ?disabled=${page === 0} @click=${() => turn(page - 1)}>Previous</button>
    <span>page ${count(page + 1)} of ${count(pages)}</span>
    <button ?disabled=${page >= pages - 1} @click=${() => turn(page + 1)}>Next</button>
  </div>`
}

const wide = matchMedia('(min-width: 60rem)')
wide.addEventListener('change', () => change({}))

const themes = ['auto', 'light', 'dark']
function theme() {
  return document.documentElement.dataset.theme ?? 'auto'
}

function nextTheme() {
  const next = themes[(themes.indexOf(theme()) + 1) % themes.length] ?? 'auto'
  if (next === 'auto') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = next
  try {
    if (next === 'auto') localStorage.removeItem('switchyard-theme')
    else localStorage.setItem('switchyard-theme', next)
  } catch {
    // Storage is forbidden: the choice holds until the page is left.
  }
  dispatchEvent(new Event('themechange'))
  change({})
}
