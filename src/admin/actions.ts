import type { Static } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from '../../config/type.ts'
import { type Log, logEvent } from '../log.ts'
import { sendProblem } from './problem.ts'
import { tokenHook } from './token.ts'
import { type AdminView, QuarantineView } from './view.ts'

/** What the admin port may change. Names come as they stand in the path. */
export interface AdminActions {
  /** The token that every action needs; undefined: nobody may. */
  readonly token: () => string | undefined
  /** Starts to drain an instance. False when it is drained already; undefined when there is none of that name. */
  drain(domain: string, instance: string): boolean | undefined
  /** Forgets a domain's quarantined stanzas; undefined when it is not served. */
  clearQuarantine(domain: string): true | undefined
}

const strict = { additionalProperties: false }
const name = () => Type.String({ minLength: 1, maxLength: 1023 })
const DomainPath = Type.Object({ d: name() }, strict)
const InstancePath = Type.Object({ d: name(), name: name() }, strict)
const Status = Type.Object({ status: Type.String() })

/** Mounts what needs the token: whatever changes something, or shows what users have written. */
export function actions(app: FastifyInstance, view: AdminView, actions: AdminActions, log: Log): void {
  const onRequest = tokenHook(actions.token)
  const note = (request: FastifyRequest, action: string): void =>
    logEvent(log, 'admin-action', { action, path: request.url, remote: request.ip })

  const drain = { params: InstancePath, response: { 202: Status } }
  app.post<{ Params: Static<typeof InstancePath> }>(
    '/v1/domains/:d/instances/:name/drain',
    { onRequest, schema: drain },
    async (request, reply) => {
      note(request, 'drain')
      const started = actions.drain(request.params.d, request.params.name)
      if (started === undefined) return sendProblem(reply, 404, 'no such instance is connected here')
      if (!started) return sendProblem(reply, 409, 'it is being drained already')
      return reply.code(202).send({ status: 'draining' })
    },
  )

  const items = { params: DomainPath, response: { 200: Type.Object({ items: Type.Array(QuarantineView) }) } }
  type InDomain = { Params: Static<typeof DomainPath> }
  app.get<InDomain>('/v1/domains/:d/quarantine', { onRequest, schema: items }, async (request, reply) => {
    note(request, 'quarantine')
    const found = view.quarantine(request.params.d)
    return found === undefined ? notServed(reply) : { items: found }
  })
  app.delete<InDomain>('/v1/domains/:d/quarantine', { onRequest }, async (request, reply) => {
    note(request, 'clear-quarantine')
    return actions.clearQuarantine(request.params.d) === undefined ? notServed(reply) : reply.code(204).send()
  })
}

function notServed(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 404, 'no such domain is served here')
}
