import { createAdmin } from '../../src/admin/admin.ts'
import type { ClusterAccess } from '../../src/admin/cluster-routes.ts'
import type { AdminView } from '../../src/admin/view.ts'
import { createLog } from '../../src/log.ts'
import type { AdminActions } from '../../src/operations.ts'

interface Operation {
  readonly summary: string
  readonly security: readonly object[]
}

/** The routes of the admin port as its own document has them: a table in markdown. */
export async function routesTable(): Promise<string> {
  const log = createLog({ level: 'silent', node: 'docs' })
  const actions = { token: () => undefined } as Partial<AdminActions> as AdminActions
  const view = { version: '' } as Partial<AdminView> as AdminView
  const cluster = { access: {} as ClusterAccess, events: { dropped: 0, listen: () => () => {} } }
  const app = await createAdmin(view, actions, log, cluster)
  const { paths } = (await app.inject({ method: 'GET', url: '/openapi.json' })).json() as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  }
  await app.close()
  const rows = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary, security }]) => {
      return `| \`${method.toUpperCase()} ${path}\` | ${security.length > 0 ? 'yes' : ''} | ${summary} |`
    }),
  )
  return ['| route | token | answer |', '|---|---|---|', ...rows].join('\n')
}
