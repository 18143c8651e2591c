import type { Static } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from '../../config/type.ts'
import { refuseMethod, sendProblem } from './problem.ts'
import { type AdminView, DomainView, ExplainView, InstanceView, NodeView } from './view.ts'

/** As long as a domain (RFC 7622 §3.2) and an address (RFC 7622 §3.1) can be, in bytes. */
export const maxDomain = 1023
const maxAddress = 3071

const strict = { additionalProperties: false }
const DomainPath = Type.Object({ d: Type.String({ minLength: 1, maxLength: maxDomain }) }, strict)
const address = () => Type.String({ minLength: 1, maxLength: maxAddress })
const ExplainQuery = Type.Object({ from: address(), to: address() }, strict)
const NoQuery = Type.Object({}, strict)

type InDomain = { Params: Static<typeof DomainPath> }

/** Mounts all routes. Today each of them only reads, so none asks for the token. */
export function routes(app: FastifyInstance, view: AdminView): void {
  const paths = [...probes(app, view), ...tables(app, view)]
  for (const url of paths) {
    // Refused before the body is read.
    app.route({
      method: ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
      url,
      onRequest: refuseMethod,
      handler: refuseMethod,
    })
  }
}

function probes(app: FastifyInstance, view: AdminView): string[] {
  const Status = Type.Object({ status: Type.String() })
  app.get('/healthz', { schema: { response: { 200: Status } } }, async () => ({ status: 'ok' }))

  app.get('/readyz', { schema: { response: { 200: Status } } }, async (_request, reply) => {
    const { ready, reason } = view.ready()
    return ready ? { status: 'ready' } : sendProblem(reply, 503, reason ?? 'not ready')
  })

  app.get('/metrics', async (_request, reply) => {
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await view.metrics())
  })
  return ['/healthz', '/readyz', '/metrics']
}

function tables(app: FastifyInstance, view: AdminView): string[] {
  const list = <T>(items: readonly T[]) => ({ items })

  const nodes = { querystring: NoQuery, response: { 200: Type.Object({ items: Type.Array(NodeView) }) } }
  app.get('/v1/nodes', { schema: nodes }, async () => list(await view.nodes()))

  const domains = { querystring: NoQuery, response: { 200: Type.Object({ items: Type.Array(DomainView) }) } }
  app.get('/v1/domains', { schema: domains }, async () => list(view.domains()))

  const domain = { params: DomainPath, querystring: NoQuery, response: { 200: DomainView } }
  app.get<InDomain>('/v1/domains/:d', { schema: domain }, async (request, reply) => {
    return view.domain(request.params.d) ?? notServed(reply)
  })

  const instances = {
    params: DomainPath,
    querystring: NoQuery,
    response: { 200: Type.Object({ items: Type.Array(InstanceView) }) },
  }
  app.get<InDomain>('/v1/domains/:d/instances', { schema: instances }, async (request, reply) => {
    const found = view.instances(request.params.d)
    return found === undefined ? notServed(reply) : list(found)
  })

  const explain = { params: DomainPath, querystring: ExplainQuery, response: { 200: ExplainView } }
  type Explain = InDomain & { Querystring: Static<typeof ExplainQuery> }
  app.get<Explain>('/v1/domains/:d/explain', { schema: explain }, async (request, reply) => {
    const found = view.explain(request.params.d, request.query.from, request.query.to)
    if (found === undefined) return notServed(reply)
    return 'problem' in found ? sendProblem(reply, 400, found.problem) : found
  })
  return ['/v1/nodes', '/v1/domains', '/v1/domains/:d', '/v1/domains/:d/instances', '/v1/domains/:d/explain']
}

function notServed(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, 404, 'no such domain is served here')
}
