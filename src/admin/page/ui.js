// What the reader has typed and chosen: filters, orders, pages. And the one function that draws anew.

export const ui = {
  domainFilter: '',
  domainPage: 0,
  domainsOpen: false,
  instanceFilter: '',
  instancePage: 0,
  /** @type {{by: string, down: boolean}} */ order: { by: 'name', down: false },
  /** The bucket under the cursor. */
  bucket: 0,
  /** @type {any} */ explained: undefined,
  /** @type {any} */ sampled: undefined,
  /** @type {any} */ previewed: undefined,
  /** @type {any} */ quarantine: undefined,
  /** What is being waited for, by name. */
  /** @type {Set<string>} */ busy: new Set(),
}

/** @type {() => void} */
let draw = () => {}

/** @param {() => void} drawing */
export function drawBy(drawing) {
  draw = drawing
}

/** @param {Partial<typeof ui>} changes */
export function change(changes) {
  Object.assign(ui, changes)
  draw()
}

/** Of another domain nothing of this one's is shown. */
export function clearDomain() {
  Object.assign(ui, { instanceFilter: '', instancePage: 0, bucket: 0, explained: undefined, sampled: undefined })
  Object.assign(ui, { previewed: undefined, quarantine: undefined })
}

/** Keeps `name` among what is waited for while `work` goes on. @param {string} name @param {() => Promise<void>} work */
export async function during(name, work) {
  if (ui.busy.has(name)) return
  ui.busy.add(name)
  draw()
  try {
    await work()
  } finally {
    ui.busy.delete(name)
    draw()
  }
}
