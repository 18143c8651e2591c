// Short news of what an action came to. A screen reader hears them through the page's live region.

import { icon } from './icons.js'
import { html, nothing, repeat } from './lit.js'
import { change } from './ui.js'

const SHOWN_MS = 8000
const MOST = 4

/** @type {{id: number, level: string, text: string}[]} */
let toasts = []
let last = 0

/** @param {'good' | 'bad'} level @param {string} text */
export function toast(level, text) {
  const id = ++last
  toasts = [...toasts, { id, level, text }].slice(-MOST)
  say(text)
  // What went wrong stays until it is read.
  if (level === 'good') setTimeout(() => dismiss(id), SHOWN_MS)
  change({})
}

/** @param {number} id */
function dismiss(id) {
  toasts = toasts.filter((one) => one.id !== id)
  change({})
}

let said = ''
/** @param {string} text */
export function say(text) {
  const region = document.getElementById('status')
  if (region === null || text === said) return
  said = text
  region.textContent = text
}

export function toastsView() {
  if (toasts.length === 0) return nothing
  return html`<div class="toasts">
    ${repeat(
      toasts,
      ({ id }) => id,
      ({ id, level, text }) => html`<div class="toast is-${level}">
        ${icon(level)}<p>${text}</p>
        <button class="quiet" aria-label="Dismiss: ${text}" @click=${() => dismiss(id)}>Close</button>
      </div>`,
    )}
  </div>`
}
