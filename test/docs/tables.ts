import { configTable } from '../../config/table.ts'
import { adHocCommands, type CommandParts } from '../../src/adhoc/commands.ts'
import { usageLine } from '../../src/commands/help.ts'
import { commandNames, specOf } from '../../src/commands/table.ts'
import { bounceReasons, dropReasons } from '../../src/counters.ts'
import { logCodesTable } from '../../src/log-codes.ts'
import { metricsTable } from '../../src/metrics.ts'
import { pagesTable } from './pages-table.ts'
import { routesTable } from './routes.ts'
import { alertsTable, recordedTable } from './rules-table.ts'

const routes = await routesTable()

/** The tables that a document has from the sources, by the names that its marks give them. */
export const documents: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  'README.md': {
    configuration: configTable,
    commands: commandsTable,
    routes: () => routes,
    'ad-hoc commands': adHocTable,
  },
  'dashboards/README.md': {
    metrics: metricsTable,
    'bounce reasons': () => reasonsTable(bounceReasons),
    'drop reasons': () => reasonsTable(dropReasons),
    alerts: alertsTable,
    'recorded series': recordedTable,
  },
  'docs/README.md': { pages: pagesTable },
  'docs/log-codes.md': { 'log codes': logCodesTable },
}

/** A document with each table as the sources have it now. Throws where a table has no place, or a place no table. */
export function withTables(markdown: string, tables: Readonly<Record<string, () => string>>): string {
  const left = new Set(Object.keys(tables))
  const written = markdown.replaceAll(/^<!-- table: (.+) -->\n[\s\S]*?^<!-- end -->$/gm, (_, name: string) => {
    const table = tables[name]
    if (table === undefined || !left.delete(name)) throw new Error(`there is no table ${name}, or it was there before`)
    return `<!-- table: ${name} -->\n${table().trimEnd()}\n<!-- end -->`
  })
  if (left.size > 0) throw new Error(`no place for the tables: ${[...left].join(', ')}`)
  return written
}

function commandsTable(): string {
  const listed = commandNames.filter((name) => specOf(name).hidden === undefined)
  const rows = listed.map((name) => `| \`${usageLine(name).replace('usage: ', '')}\` | ${specOf(name).does} |`)
  return ['| command | does |', '|---|---|', ...rows].join('\n')
}

function adHocTable(): string {
  const rows = adHocCommands({} as CommandParts).map(({ node, name }) => `| \`${node}\` | ${name} |`)
  return ['| command | does |', '|---|---|', ...rows].join('\n')
}

function reasonsTable(reasons: Readonly<Record<string, string>>): string {
  const rows = Object.entries(reasons).map(([reason, means]) => `| \`${reason}\` | ${means} |`)
  return ['| reason | means |', '|---|---|', ...rows].join('\n')
}
