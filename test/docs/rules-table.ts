import { parse } from 'yaml'
import { textOf } from './markdown.ts'

interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly for?: string
  readonly labels?: { readonly severity: string }
  readonly annotations?: { readonly description: string; readonly runbook: string }
}

const { groups } = parse(textOf('dashboards/rules.yml')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}
const rules = groups.flatMap((group) => group.rules)

/** The alerts of dashboards/rules.yml, as Markdown. */
export function alertsTable(): string {
  const rows = rules.flatMap(({ alert, expr, for: least, labels, annotations }) => {
    if (alert === undefined) return []
    const after = least === undefined ? '' : ` for ${least}`
    // Labels of what is found, not of what it means: {{ $labels.instance }} reads as `instance`.
    const says = annotations?.description.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, '`$1`')
    return [`| [\`${alert}\`](../${annotations?.runbook}) | ${labels?.severity} | ${code(expr)}${after} | ${says} |`]
  })
  return ['| alert | severity | fires when | means |', '|---|---|---|---|', ...rows].join('\n')
}

/** The series that dashboards/rules.yml records, as Markdown. */
export function recordedTable(): string {
  const rows = rules.flatMap(({ record, expr }) => (record === undefined ? [] : [`| \`${record}\` | ${code(expr)} |`]))
  return ['| series | is |', '|---|---|', ...rows].join('\n')
}

function code(expr: string): string {
  return `\`${expr.replaceAll('|', '\\|')}\``
}
