// The library that draws: lit-html, from the node itself. Here, so that one place says where it is.

export { live } from './lit-html/directives/live.js'
export { repeat } from './lit-html/directives/repeat.js'
export { html, nothing, render, svg } from './lit-html/lit-html.js'
