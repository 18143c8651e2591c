// Shapes that say with the text beside them what state something is in: no state is told by colour alone.
import { html, svg } from './lit.js'

const shapes = {
  active: svg`<circle cx="8" cy="8" r="5" fill="currentColor" />`,
  spare: svg`<circle cx="8" cy="8" r="4.2" fill="none" stroke="currentColor" stroke-width="1.8" />`,
  joining: svg`<circle cx="8" cy="8" r="4.2" fill="none" stroke="currentColor" stroke-width="1.8" stroke-dasharray="2.6 2" />`,
  draining: svg`<path d="M8 2v9M4 7.5 8 12l4-4.5M3 14.2h10" fill="none" stroke="currentColor" stroke-width="1.9" />`,
  suspect: svg`<path d="M8 1.5 14.5 8 8 14.5 1.5 8Z" fill="currentColor" />`,
  unconfirmed: svg`<path d="M8 2.4 13.6 8 8 13.6 2.4 8Z" fill="none" stroke="currentColor" stroke-width="1.8" />`,
  stalled: svg`<path d="M4 3h3v10H4zM9 3h3v10H9z" fill="currentColor" />`,
  bad: svg`<path d="M3.2 3.2 12.8 12.8M12.8 3.2 3.2 12.8" stroke="currentColor" stroke-width="2.6" />`,
  warn: svg`<path d="M8 1.8 15 14.2H1Z" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linejoin="round" /><path d="M8 6v4.2M8 11.4v1.4" stroke="currentColor" stroke-width="1.7" />`,
  good: svg`<path d="M2.5 8.6 6.3 12.4 13.5 4" fill="none" stroke="currentColor" stroke-width="2.2" />`,
  node: svg`<path d="M2 3h12v4H2zM2 9h12v4H2z" fill="none" stroke="currentColor" stroke-width="1.5" /><path d="M4.5 5h.01M4.5 11h.01" stroke="currentColor" stroke-width="2" stroke-linecap="round" />`,
  theme: svg`<circle cx="8" cy="8" r="6" fill="none" stroke="currentColor" stroke-width="1.6" /><path d="M8 2a6 6 0 0 1 0 12Z" fill="currentColor" />`,
  key: svg`<circle cx="5" cy="8" r="3" fill="none" stroke="currentColor" stroke-width="1.7" /><path d="M8 8h6.5M12 8v3" stroke="currentColor" stroke-width="1.7" />`,
  reload: svg`<path d="M13.2 8a5.2 5.2 0 1 1-1.6-3.8M13.4 1.6v3.2h-3.2" fill="none" stroke="currentColor" stroke-width="1.7" />`,
}

/** @param {string} name */
export function icon(name) {
  const shape = /** @type {any} */ (shapes)[name] ?? shapes.active
  return html`<svg class="icon" viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">${shape}</svg>`
}

/** What a state is called beside its shape, and how grave it is. */
const states = {
  active: 'ok',
  ready: 'ok',
  online: 'ok',
  spare: 'idle',
  idle: 'idle',
  joining: 'idle',
  starting: 'idle',
  draining: 'leaving',
  unconfirmed: 'warn',
  suspect: 'bad',
  stalled: 'bad',
}

/** @param {string} state */
export function stateMark(state) {
  const grave = /** @type {any} */ (states)[state] ?? 'warn'
  const shape = Object.hasOwn(shapes, state) ? state : grave === 'ok' ? 'active' : grave === 'idle' ? 'spare' : 'warn'
  return html`<span class="state is-${grave}">${icon(shape)}${state}</span>`
}
