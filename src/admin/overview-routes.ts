import type { FastifyInstance } from 'fastify'
import { described } from './described.ts'
import { readOnly } from './problem.ts'
import { type AdminView, OverviewView } from './view.ts'

/** How long one answer is given again, in milliseconds: several may look at the page at once. */
const FRESH = 500

/** Mounts what the page asks for every few seconds: all domains in short. */
export function overviewRoutes(app: FastifyInstance, view: AdminView): void {
  let last: { readonly at: number; readonly overview: OverviewView } | undefined
  const schema = described({
    summary: 'All domains in short, and how this node reaches its cluster: what the page asks for every few seconds.',
    tag: 'domains',
    answers: { 200: OverviewView },
  })
  app.get('/v1/overview', { schema }, async () => {
    const at = performance.now()
    if (last === undefined || at - last.at > FRESH) last = { at, overview: view.overview() }
    return last.overview
  })
  readOnly(app, ['/v1/overview'])
}
