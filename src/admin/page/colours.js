// Each instance's colour: by its bucket, so that neighbours differ, and its own for as long as it is drawn. Pure.

/** As many as style.css has `--holder-N`. */
const PALETTE = 8

/** @param {number | null | undefined} bucket @param {number} place among those without a bucket */
export function colourOf(bucket, place = 0) {
  return (bucket ?? place) % PALETTE
}

/**
 * Whoever has a colour keeps it, also one that has left and has a line still; who comes gets one that nobody has, while there is one.
 * @param {readonly {name: string, bucket: number | null}[]} instances
 * @param {ReadonlyMap<string, number>} [before] the colours of this domain until now
 * @param {Iterable<string>} [drawn] who has a line
 * @returns {Map<string, number>}
 */
export function coloursOf(instances, before = new Map(), drawn = []) {
  const colours = new Map()
  for (const name of [...instances.map(({ name }) => name), ...drawn]) {
    const old = before.get(name)
    if (old !== undefined) colours.set(name, old)
  }
  for (const [place, { name, bucket }] of instances.entries()) {
    if (colours.has(name)) continue
    const used = new Set(colours.values())
    const wanted = colourOf(bucket, place)
    const free = Array.from({ length: PALETTE }, (_, colour) => colour).find((colour) => !used.has(colour))
    colours.set(name, used.has(wanted) ? (free ?? wanted) : wanted)
  }
  return colours
}
