import helmet from '@fastify/helmet'
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController, type RouteOptions } from 'fastify'
import { SwitchyardError } from '../errors.ts'
import { type Log, logEvent } from '../log.ts'
import { type AdminActions, Operations } from '../operations.ts'
import { actions } from './actions.ts'
import { type ClusterAccess, clusterRoutes } from './cluster-routes.ts'
import { type EventSource, eventRoutes } from './event-routes.ts'
import { openapi } from './openapi.ts'
import { overviewRoutes } from './overview-routes.ts'
import { pageRoutes } from './page-routes.ts'
import { errorHandler, problems } from './problem.ts'
import { maxDomain, routes } from './routes.ts'
import { guardedBy } from './token.ts'
import { type TuningAccess, tuningRoutes } from './tuning-routes.ts'
import type { AdminView } from './view.ts'

export type AdminOptions = {
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
}

/** Connections at once: pages, scrapers, readers of events. Whoever opens more is closed. */
const MOST_CONNECTIONS = 256
/** Bytes of a body; no route needs any. */
const MOST_BODY = 1024

/** What the admin port has of the nodes together. */
export interface ClusterParts {
  readonly access: ClusterAccess
  readonly events: EventSource
  readonly tuning?: TuningAccess
}

export interface Admin {
  /** The port that is listened on. */
  readonly port: number
  /** Ends every connection at once: whoever is being answered asks again elsewhere. */
  close(): Promise<void>
}

/** Opens the admin port. Throws `listen-failed` when the port cannot be had. */
export async function startAdmin(
  options: AdminOptions,
  view: AdminView,
  allowed: AdminActions,
  log: Log,
  cluster?: ClusterParts,
): Promise<Admin> {
  const app = await createAdmin(view, allowed, log, cluster)
  const { host, port } = options
  app.server.maxConnections = MOST_CONNECTIONS
  app.server.on('drop', () => allowed.refused?.('connections'))
  try {
    await app.listen({ host, port, listenTextResolver: () => 'admin-listening' })
  } catch (error) {
    await app.close()
    const why = error instanceof Error ? error.message : String(error)
    throw new SwitchyardError('listen-failed', `admin port ${host}:${port}: ${why}`, { cause: error })
  }
  const address = app.server.address()
  const bound = typeof address === 'object' && address !== null ? address.port : port
  logEvent(log, 'admin-listening', { host, port: bound })
  return { port: bound, close: () => app.close() }
}

/** The app without a port, as `startAdmin` serves it; `onRoute` is told of every route that is mounted. */
export async function createAdmin(
  view: AdminView,
  allowed: AdminActions,
  log: Log,
  cluster?: ClusterParts,
  onRoute?: (route: RouteOptions) => void,
): Promise<FastifyInstance> {
  // What the library itself says is below our events, which have codes; `trace` keeps it for who looks for it.
  const loggerInstance: FastifyBaseLogger = log.child(
    { part: 'admin' },
    { level: log.level === 'trace' ? 'trace' : 'silent' },
  )
  const app = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MOST_BODY,
    // A client that sends nothing, or slowly, holds a socket for no longer than this (milliseconds).
    connectionTimeout: 10_000,
    requestTimeout: 10_000,
    keepAliveTimeout: 5_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: maxDomain },
    // A parameter that is not known, or given twice, is refused rather than dropped or joined.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
    frameworkErrors: errorHandler(log),
  })
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    // The port speaks plain HTTP: behind a proxy that speaks TLS, the proxy says this.
    strictTransportSecurity: false,
  })
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('cache-control', 'no-store')
  })
  problems(app, log)
  if (onRoute !== undefined) app.addHook('onRoute', onRoute)
  await openapi(app, view.version)
  const operations = new Operations({ actions: allowed, nodes: async () => cluster?.access, log })
  const guard = guardedBy(allowed, log)
  pageRoutes(app)
  // Whatever is mounted in here is in the document.
  await app.register(async (described) => {
    routes(described, view)
    overviewRoutes(described, view)
    actions(described, view, operations, guard)
    if (cluster === undefined) return
    clusterRoutes(described, cluster.access, operations, guard)
    eventRoutes(described, cluster.events, view, log)
    if (cluster.tuning !== undefined) tuningRoutes(described, cluster.tuning, operations, guard)
  })
  return app
}
