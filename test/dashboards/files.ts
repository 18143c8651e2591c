import { parse } from 'yaml'
import { textOf } from '../docs/markdown.ts'

export interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly for?: string
  readonly annotations?: Readonly<Record<string, string>>
}

interface Rules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[]
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

export interface Variable {
  readonly name: string
  readonly type: string
  readonly definition?: string
}

interface Dashboard {
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
}

export const rulesFile: Rules = parse(textOf('dashboards/rules.yml'))
export const rules: readonly Rule[] = rulesFile.groups.flatMap((group) => group.rules)
/** The names of all alerts, sorted. */
export const alertNames: readonly string[] = rules.flatMap(({ alert }) => alert ?? []).sort()
export const dashboard: Dashboard = JSON.parse(textOf('dashboards/switchyard.json'))

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** The rules with every time that they name divided: `for`, ranges and offsets. As JSON, which is YAML. */
export function fasterRules(factor: number): string {
  const shorter = (duration: string): string =>
    duration.replace(/^(\d+)([smh])$/, (_, count, unit) => {
      return `${Math.round((Number(count) * (SECONDS[unit] ?? 0) * 1000) / factor)}ms`
    })
  const inside = (expr: string): string =>
    expr
      .replaceAll(/\[(\d+[smh])\]/g, (_, duration) => `[${shorter(duration)}]`)
      .replaceAll(/\boffset (\d+[smh])/g, (_, duration) => `offset ${shorter(duration)}`)
  const faster = ({ expr, for: least, ...rule }: Rule) => ({
    ...rule,
    expr: inside(expr),
    ...(least === undefined ? {} : { for: shorter(least) }),
  })
  return JSON.stringify({ groups: rulesFile.groups.map((group) => ({ ...group, rules: group.rules.map(faster) })) })
}
