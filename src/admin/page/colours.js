// Each holder's colour: by its bucket, so that neighbours differ and a holder has the same one everywhere. Pure.

/** As many as style.css has `--holder-N`. */
const PALETTE = 8

/** @param {number | null | undefined} bucket @param {number} place among those without a bucket */
export function colourOf(bucket, place = 0) {
  return (bucket ?? place) % PALETTE
}

/** @param {readonly {name: string, bucket: number | null}[]} instances @returns {Map<string, number>} */
export function coloursOf(instances) {
  return new Map(instances.map(({ name, bucket }, place) => [name, colourOf(bucket, place)]))
}
