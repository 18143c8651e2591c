// The page: draws what is known whenever it changes. No state is kept here.
import { tellDrained } from './actions.js'
import { drawCharts, forgetCharts } from './charts.js'
import { domainView } from './domain.js'
import { eventsView } from './events.js'
import { keepingFocus } from './focus.js'
import { html, render } from './lit.js'
import { nodesView } from './nodes.js'
import { attention, domainList, lostBanner, readOnlyHint, topBar } from './shell.js'
import { start, state } from './store.js'
import { say, toastsView } from './toasts.js'
import { clearDomain, drawBy } from './ui.js'

const app = /** @type {HTMLElement} */ (document.getElementById('app'))
app.replaceChildren()
let scheduled = false
/** @type {string | undefined} */
let shown
let told = ''

function page() {
  return html`${topBar()}${lostBanner()}
    <div class="frame">
      <aside class="side">${domainList()}${nodesView()}</aside>
      <main>${attention()}${readOnlyHint()}${domainView()}${eventsView()}</main>
    </div>
    ${toastsView()}`
}

/** Once a frame at most, however many changes there were. */
function draw() {
  if (scheduled) return
  scheduled = true
  requestAnimationFrame(() => {
    scheduled = false
    if (shown !== state.selected) {
      shown = state.selected
      clearDomain()
    }
    keepingFocus(() => render(page(), app), state.detail !== undefined)
    tellDrained()
    drawCharts()
    document.title = titleOf()
    tell()
  })
}

function titleOf() {
  const bad = state.findings.filter(({ level }) => level === 'bad').length
  return `${bad > 0 ? `(${bad}) ` : ''}${state.selected ?? 'Switchyard'}${state.selected === undefined ? '' : ' – Switchyard'}`
}

/** Says aloud what has become of the node, once each time it changes. */
function tell() {
  if (state.overview === undefined) return
  const bad = state.findings.filter(({ level }) => level === 'bad')
  const text =
    state.connection === 'lost'
      ? 'The connection to the node is lost.'
      : bad.length === 0
        ? 'Connected. Nothing is broken.'
        : `Connected. ${bad.map(({ where, what }) => `${where}: ${what}`).join('. ')}.`
  if (text === told) return
  told = text
  say(text)
}

drawBy(draw)
const redraw = () => {
  forgetCharts()
  draw()
}
addEventListener('themechange', redraw)
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw)
addEventListener('resize', draw)
start(draw)
