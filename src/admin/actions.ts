import type { Static } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from '../../config/type.ts'
import { type By, instanceActions, notServed, type Operations } from '../operations.ts'
import { described } from './described.ts'
import { sendRefused } from './problem.ts'
import { DomainPath, InstancePath } from './routes.ts'
import type { Guard } from './token.ts'
import { type AdminView, QuarantineView } from './view.ts'

/** Who asks by HTTP: the token says that it is an operator, and nothing which. */
export function byRequest(request: FastifyRequest): By {
  return { via: 'http', by: request.ip }
}

const Status = Type.Object({
  status: Type.String({ description: 'what becomes of it, or the state that it is in now' }),
})

const summaries = {
  drain:
    'Drains an instance: it gets nothing new, its share moves, and it is closed once it owes nothing. A slash in its name is `%2F`.',
  kick: 'Closes an instance at once; what it had not confirmed goes to others. It may come back.',
  enable: 'Ends the drain of an instance that is not closed yet: it gets stanzas again.',
} as const

/** Mounts what needs the token: whatever changes something, or shows what users have written. */
export function actions(app: FastifyInstance, view: AdminView, operations: Operations, onRequest: Guard): void {
  for (const action of instanceActions) {
    const schema = described({
      summary: summaries[action],
      tag: 'domains',
      params: InstancePath,
      answers: { 202: Status },
      problems: [404, 409, 503, 504],
      isGuarded: true,
    })
    app.post<{ Params: Static<typeof InstancePath> }>(
      `/v1/domains/:d/instances/:name/${action}`,
      { onRequest: [onRequest, patient], schema },
      async (request, reply) => {
        const { d, name } = request.params
        const outcome = await operations.instance(byRequest(request), action, d, name)
        return 'done' in outcome ? reply.code(202).send({ status: outcome.done }) : sendRefused(reply, outcome)
      },
    )
  }

  type InDomain = { Params: Static<typeof DomainPath> }
  const quarantine = { tag: 'domains', params: DomainPath, problems: [404], isGuarded: true } as const
  const shown = described({
    ...quarantine,
    summary: 'The stanzas that three instances died of, whole: the last 100 at most.',
    answers: { 200: Type.Object({ items: Type.Array(QuarantineView) }) },
  })
  app.get<InDomain>('/v1/domains/:d/quarantine', { onRequest, schema: shown }, async (request, reply) => {
    const { d } = request.params
    const items = view.quarantine(d)
    const outcome = items === undefined ? notServed : { done: items }
    operations.noted(byRequest(request), 'quarantine', { domain: d }, outcome)
    return 'done' in outcome ? { items: outcome.done } : sendRefused(reply, outcome)
  })
  const cleared = described({ ...quarantine, summary: 'Forgets them.', answers: { 204: null } })
  app.delete<InDomain>('/v1/domains/:d/quarantine', { onRequest, schema: cleared }, async (request, reply) => {
    const outcome = operations.clearQuarantine(byRequest(request), request.params.d)
    return 'done' in outcome ? reply.code(204).send() : sendRefused(reply, outcome)
  })
}

/** Nodes may take their time: the socket is not closed because nothing is sent meanwhile. */
export async function patient(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.raw.setTimeout(0)
}
