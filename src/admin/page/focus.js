// Where the keyboard is: what has the focus may be drawn anew, or go, and then the reader goes on from nearby.

/** Where the focus goes when that is there. @type {{id: string, block: 'start' | 'nearest'} | undefined} */
let wanted

/** What has the focus and, after it, the parts of the page that it is in. @param {Element | null} from @returns {readonly (HTMLElement | string)[]} */
export function trailOf(from) {
  if (!(from instanceof HTMLElement) || from === document.body) return []
  const ids = []
  for (let at = from.closest('[id]'); at !== null; at = at.parentElement?.closest('[id]') ?? null) ids.push(at.id)
  return [from, ...ids, 'domain']
}

/** Gives the focus to the first of these that takes it. @param {readonly (HTMLElement | string)[]} trail */
export function focusFirst(trail) {
  for (const one of trail) {
    const target = typeof one === 'string' ? document.getElementById(one) : one
    if (target === null || !target.isConnected) continue
    target.focus({ preventScroll: true })
    if (document.activeElement === target) return
  }
}

/** Gives the focus to a part of the page once that is there. @param {string} id @param {'start' | 'nearest'} block */
export function focusSoon(id, block = 'start') {
  wanted = { id, block }
}

/** Draws; what had the focus has it afterwards or, where it is gone, what it was in. @param {() => void} draw @param {boolean} isThere whether a part that is awaited can be there */
export function keepingFocus(draw, isThere) {
  const before = trailOf(document.activeElement)
  draw()
  const target = wanted === undefined || !isThere ? null : document.getElementById(wanted.id)
  if (wanted !== undefined && target !== null && document.querySelector('dialog[open]') === null) {
    target.scrollIntoView({ block: wanted.block })
    wanted = undefined
    target.focus({ preventScroll: true })
  } else if (before.length > 0 && document.activeElement === document.body) focusFirst(before)
}
