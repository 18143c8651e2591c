// The nodes: who is senior, how busy, since when.

import { drainNode } from './actions.js'
import { ago, bytes, count, percent } from './format.js'
import { icon, stateMark } from './icons.js'
import { html, nothing, repeat } from './lit.js'
import { state } from './store.js'
import { ui } from './ui.js'

export function nodesView() {
  const { nodes } = state
  return html`<section class="nodes" id="nodes" tabindex="-1" aria-labelledby="nodes-title">
    <h2 id="nodes-title">Nodes <span class="badge">${count(nodes.length)}</span></h2>
    <ul>${repeat(nodes, (/** @type {any} */ { incarnation }) => incarnation, nodeView)}</ul>
  </section>`
}

/** @param {any} node */
function nodeView(node) {
  const { name, senior, self, version, load, memory, instances, since } = node
  const isBusy = ui.busy.has(`Drain node ${name}`)
  return html`<li class="node">
    <h3>${icon('node')}${name}
      ${senior ? html`<span class="tag" title="It does what one node must">senior</span>` : nothing}
      ${self ? html`<span class="tag" title="The node that answers">this node</span>` : nothing}</h3>
    <dl>
      <div><dt>state</dt><dd>${stateMark(node.state)}</dd></div>
      <div><dt>load</dt><dd>${load === null || load === undefined ? '–' : html`${meter(load, load > 0.8 ? 'bad' : 'ok')}${percent(load)}`}</dd></div>
      <div><dt>memory</dt><dd>${bytes(memory)}</dd></div>
      <div><dt>instances</dt><dd>${count(instances)}</dd></div>
      <div><dt>version</dt><dd>${version}</dd></div>
      <div><dt>up for</dt><dd><time datetime=${since} title="since ${since}">${ago(since, state.now)}</time></dd></div>
    </dl>
    <button class="small" aria-disabled=${isBusy ? 'true' : nothing} @click=${() => drainNode(name)} aria-label="Drain node ${name}">Drain</button>
  </li>`
}

/** A bar beside a number that says the same. @param {number} share 0 to 1 @param {string} grave */
export function meter(share, grave = 'accent') {
  const width = Math.round(Math.min(1, Math.max(0, share)) * 40)
  return html`<svg class="meter is-${grave}" width="40" height="8" viewBox="0 0 40 8" aria-hidden="true"><rect class="rail" width="40" height="8" rx="2" /><rect class="fill" width=${width} height="8" rx="2" /></svg>`
}
