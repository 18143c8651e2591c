// Numbers, sizes and times as people read them. Pure.

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })
const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** @param {number} value */
export function count(value) {
  return whole.format(value)
}

/** Per second: one decimal where it says something. @param {number | undefined} value */
export function rate(value) {
  if (value === undefined) return '–'
  return value > 0 && value < 10 ? tenths.format(value) : whole.format(value)
}

/** @param {number | null | undefined} value */
export function bytes(value) {
  if (value === null || value === undefined) return '–'
  let unit = 0
  let rest = value
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024
    unit++
  }
  return `${rest < 10 && unit > 0 ? tenths.format(rest) : whole.format(rest)} ${units[unit]}`
}

/** @param {number} share 0 to 1 */
export function percent(share) {
  return `${share > 0 && share < 0.1 ? tenths.format(share * 100) : whole.format(share * 100)} %`
}

/** How long something takes. @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds < 0.001) return '< 1 ms'
  if (seconds < 1) return `${whole.format(seconds * 1000)} ms`
  return seconds < 100 ? `${tenths.format(seconds)} s` : `${whole.format(seconds)} s`
}

/** How long ago, in one unit. @param {string} iso @param {number} now milliseconds since 1970 */
export function ago(iso, now) {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`
}

/** The time of day, as the reader's clock has it. @param {string} iso */
export function clock(iso) {
  return new Date(iso).toLocaleTimeString('en-GB')
}

/** 1, 2, 3, 7 as `1–3, 7`. @param {readonly number[]} numbers rising */
export function ranges(numbers) {
  /** @type {[number, number][]} */
  const spans = []
  for (const number of numbers) {
    const last = spans.at(-1)
    if (last !== undefined && last[1] === number - 1) last[1] = number
    else spans.push([number, number])
  }
  const text = (/** @type {number} */ first, /** @type {number} */ last) =>
    first === last ? `${first}` : `${first}${last === first + 1 ? ', ' : '–'}${last}`
  return spans.map(([first, last]) => text(first, last)).join(', ')
}

/** @param {number} many @param {string} one @param {string} [several] */
export function plural(many, one, several = `${one}s`) {
  return `${count(many)} ${many === 1 ? one : several}`
}
