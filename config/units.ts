const factors: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['B', 1],
  ['KB', 1000],
  ['MB', 1000 ** 2],
  ['GB', 1000 ** 3],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
])

/** For messages: how a size may be written. */
export const sizesLike = 'a whole number, alone or with B, KB, MB, GB, KiB, MiB or GiB'

/** `1536`, `16MiB`, `512 KiB`, `10MB`: bytes as a whole number; undefined when the text is no size. */
export function parseBytes(text: string): number | undefined {
  const parts = /^(\d{1,16}) ?([KMG]i?B|B|)$/.exec(text)
  const factor = factors.get(parts?.[2] ?? '')
  if (parts === null || factor === undefined) return undefined
  const bytes = Number(parts[1]) * factor
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** The shortest spelling that `parseBytes` reads back as the same number: 16777216 is `16MiB`, 10000 is `10000`. */
export function formatBytes(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB', 'GB', 'MB']) {
    const factor = factors.get(unit) ?? 1
    if (bytes !== 0 && bytes % factor === 0) return `${bytes / factor}${unit}`
  }
  return String(bytes)
}
