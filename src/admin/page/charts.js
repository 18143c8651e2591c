// The curves, drawn by uPlot. Their boxes are drawn once; what is in them is uPlot's.

import { duration, rate } from './format.js'
import { html } from './lit.js'
import { state } from './store.js'
import uPlot from './uplot.js'

/** The top of an axis where nothing happens: lower ones would have no names of their own. */
const least = new Map([
  [rate, 1],
  [duration, 0.01],
])

/** Instances with a curve of their own: the highest now. */
const MOST_LINES = 8
const HEIGHT = 150

const charts = [
  { id: 'traffic', title: 'Stanzas per second', value: rate, lines: traffic },
  { id: 'shares', title: 'Stanzas per second, by instance', value: rate, lines: () => byInstance('rates') },
  {
    id: 'latency',
    title: 'Time to answer or confirm, by instance',
    value: duration,
    lines: () => byInstance('seconds'),
  },
  { id: 'waiting', title: 'Stanzas received and not yet delivered', value: rate, lines: waiting },
]

/** @type {Map<string, {plot: uPlot, key: string, width: number}>} */
const plots = new Map()

export function chartsView() {
  return html`<section class="charts" aria-label="Curves of the last minutes">
    ${charts.map(({ id, title }) => html`<figure class="panel chart"><figcaption>${title}</figcaption><div class="plot" id="plot-${id}"></div><div class="keys" id="keys-${id}"></div></figure>`)}
  </section>`
}

/** Brings the curves up to what is known; called after the page was drawn. */
export function drawCharts() {
  const curves = state.curves
  if (curves === undefined || document.hidden) return
  for (const chart of charts) {
    const box = document.getElementById(`plot-${chart.id}`)
    if (box === null || box.clientWidth === 0) continue
    const lines = chart.lines(curves)
    const data = /** @type {any} */ ([curves.times, ...lines.map(({ values }) => values)])
    const key = `${state.selected} ${lines.map(({ name, colour }) => `${name}=${colour}`).join(',')}`
    const old = plots.get(chart.id)
    if (old?.key === key && old.plot.root.isConnected) {
      if (old.width !== box.clientWidth) {
        old.width = box.clientWidth
        old.plot.setSize({ width: box.clientWidth, height: HEIGHT })
      }
      old.plot.setData(data)
    } else {
      old?.plot.destroy()
      box.replaceChildren()
      plots.set(chart.id, {
        plot: new uPlot(optionsOf(chart, lines, box.clientWidth), data, box),
        key,
        width: box.clientWidth,
      })
    }
    drawKeys(chart, lines)
  }
}

/** Of other colours, all are drawn anew. */
export function forgetCharts() {
  for (const { plot } of plots.values()) plot.destroy()
  plots.clear()
}

/** @typedef {{name: string, colour: string, values: (number | null)[]}} Line */

/** @param {import('./history.js').Curves} curves @returns {Line[]} */
function traffic({ received, delivered, failed }) {
  return [
    { name: 'received', colour: '--accent', values: received },
    { name: 'delivered', colour: '--good', values: delivered },
    { name: 'bounced or dropped', colour: '--bad', values: failed },
  ]
}

/** @param {import('./history.js').Curves} curves @returns {Line[]} */
function waiting({ waiting: values }) {
  return [{ name: 'stanzas waiting', colour: '--accent', values }]
}

/** @param {'rates' | 'seconds'} which @returns {Line[]} */
function byInstance(which) {
  const curves = state.curves
  const colours = state.colours
  if (curves === undefined) return []
  const last = (/** @type {(number | null)[]} */ values) => Math.max(0, ...values.slice(-5).map((value) => value ?? 0))
  return [...curves.instances]
    .map(([name, curve]) => ({ name, colour: `--holder-${colours.get(name) ?? 0}`, values: curve[which] }))
    .filter(({ values }) => values.some((value) => value !== null))
    .sort((one, other) => last(other.values) - last(one.values))
    .slice(0, MOST_LINES)
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

/** @param {(typeof charts)[number]} chart @param {Line[]} lines @param {number} width @returns {any} */
function optionsOf({ value }, lines, width) {
  const style = getComputedStyle(document.documentElement)
  const colour = (/** @type {string} */ name) => style.getPropertyValue(name).trim()
  const axis = {
    stroke: colour('--muted'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width,
    height: HEIGHT,
    cursor: { drag: { x: false, y: false }, points: { size: 5 } },
    legend: { show: false },
    scales: {
      y: {
        range: (/** @type {any} */ _plot, /** @type {number} */ _low, /** @type {number} */ high) => [
          0,
          Math.max(high * 1.1, least.get(value) ?? 1),
        ],
      },
    },
    axes: [
      { ...axis, values: '{HH}:{mm}:{ss}', space: 70, size: 26 },
      {
        ...axis,
        size: 52,
        space: 30,
        values: (/** @type {any} */ _plot, /** @type {number[]} */ ticks) =>
          ticks.map((tick) => (tick === 0 ? '0' : value(tick))),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.name,
        stroke: colour(line.colour),
        width: 1.6,
        points: { show: false },
        spanGaps: false,
      })),
    ],
  }
}

/** What each line is, and its last value: in words, for those who do not tell the colours apart. @param {(typeof charts)[number]} chart @param {Line[]} lines */
function drawKeys({ id, value }, lines) {
  const box = document.getElementById(`keys-${id}`)
  if (box === null) return
  const items = lines.map(({ name, colour, values }) => {
    const item = document.createElement('span')
    const line = document.createElement('i')
    line.style.background = `var(${colour})`
    const last = document.createElement('b')
    last.textContent = value(values.at(-1) ?? undefined)
    item.append(line, `${name} `, last)
    return item
  })
  box.replaceChildren(...items)
}
