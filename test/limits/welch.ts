/** Welch's t of two samples, and which of the quickest were looked at to get it. */
export interface Welch {
  /** The share of all samples, of both kinds together, that are the quickest and were looked at. */
  readonly share: number
  readonly t: number
  readonly means: readonly [number, number]
  readonly counts: readonly [number, number]
}

/**
 * Welch's t of the two for several croppings, as dudect does it (Reparaz, Balasch, Verbauwhede 2017): what is slow is slow for
 * reasons of the machine, and hides what is looked for. 4.5 is where a difference is taken to be there.
 */
export function welches(one: readonly number[], other: readonly number[], shares: readonly number[]): readonly Welch[] {
  const all = [...one, ...other].sort((a, b) => a - b)
  return shares.map((share) => {
    const most = all[Math.min(all.length - 1, Math.ceil(share * all.length) - 1)] ?? 0
    const [a, b] = [one, other].map((samples) => moments(samples.filter((sample) => sample <= most)))
    const t = ((a?.mean ?? 0) - (b?.mean ?? 0)) / Math.sqrt((a?.error ?? 0) + (b?.error ?? 0))
    return { share, t, means: [a?.mean ?? 0, b?.mean ?? 0], counts: [a?.count ?? 0, b?.count ?? 0] }
  })
}

function moments(samples: readonly number[]) {
  const count = samples.length
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / count
  const variance = samples.reduce((sum, sample) => sum + (sample - mean) ** 2, 0) / (count - 1)
  return { count, mean, error: variance / count }
}
