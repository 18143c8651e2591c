import type { Options } from './options.ts'
import type { Table } from './table.ts'

/** A line of the bar, and where we stand. */
export interface Verdict {
  readonly claim: string
  readonly found: string
  readonly holds: boolean
}

export interface Outcome {
  readonly tables: readonly Table[]
  readonly verdicts: readonly Verdict[]
}

export interface Case {
  readonly title: string
  readonly run: (options: Options, say: (line: string) => void) => Promise<Outcome>
}

/** `found` against a least value; undefined when what it takes was not measured. */
export function atLeast(claim: string, found: number | undefined, least: number, unit = ''): readonly Verdict[] {
  if (found === undefined) return []
  return [
    { claim: `${claim}: at least ${bound(least)}${unit}`, found: `${found.toFixed(2)}${unit}`, holds: found >= least },
  ]
}

export function atMost(claim: string, found: number | undefined, most: number, unit = ''): readonly Verdict[] {
  if (found === undefined) return []
  return [
    { claim: `${claim}: at most ${bound(most)}${unit}`, found: `${found.toFixed(2)}${unit}`, holds: found <= most },
  ]
}

export function quotient(above: number | undefined, below: number | undefined): number | undefined {
  return above === undefined || below === undefined ? undefined : above / below
}

function bound(value: number): string {
  return Number.isInteger(value) ? `${value}` : value.toFixed(2)
}
