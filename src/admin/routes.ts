import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from '../../config/type.ts'
import { described } from './described.ts'
import { readOnly, sendNotServed, sendProblem } from './problem.ts'
import { type AdminView, DomainDetailView, DomainView, ExplainView, InstanceView, NodeView } from './view.ts'

/** As long as a domain (RFC 7622 §3.2) and an address (RFC 7622 §3.1) can be, in bytes. */
export const maxDomain = 1023
const maxAddress = 3071

const strict = { additionalProperties: false }
const name = (description: string) => Type.String({ minLength: 1, maxLength: maxDomain, description })
/** The parameters of a path about a domain, and about one of its instances. */
export const DomainPath = Type.Object({ d: name('the domain') }, strict)
export const InstancePath = Type.Object({ d: name('the domain'), name: name('the instance') }, strict)
const address = (description: string) => Type.String({ minLength: 1, maxLength: maxAddress, description })
const ExplainQuery = Type.Object({ from: address('the sender’s JID'), to: address('the recipient’s JID') }, strict)

type InDomain = { Params: Static<typeof DomainPath> }

/** Mounts what only reads, and asks for no token. */
export function routes(app: FastifyInstance, view: AdminView): void {
  probes(app, view)
  tables(app, view)
}

function probes(app: FastifyInstance, view: AdminView): void {
  const Status = Type.Object({ status: Type.String() })
  const health = described({ summary: '200 while the process lives.', tag: 'node', answers: { 200: Status } })
  app.get('/healthz', { schema: health }, async () => ({ status: 'ok' }))

  const readiness = described({
    summary: '200 while it serves, 503 while it starts or drains.',
    tag: 'node',
    answers: { 200: Status },
    problems: [503],
  })
  app.get('/readyz', { schema: readiness }, async (_request, reply) => {
    const { ready, reason } = view.ready()
    return ready ? { status: 'ready' } : sendProblem(reply, 503, reason ?? 'not ready')
  })

  const metrics = described({
    summary: 'The metrics, in Prometheus’ text format.',
    tag: 'node',
    answers: { 200: Type.String() },
    mediaType: 'text/plain',
  })
  app.get('/metrics', { schema: metrics }, async (_request, reply) => {
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(await view.metrics())
  })
  readOnly(app, ['/healthz', '/readyz', '/metrics'])
}

function tables(app: FastifyInstance, view: AdminView): void {
  const list = <T>(items: readonly T[]) => ({ items })

  const nodes = described({
    summary: 'Every node: version, state, load, memory, instances, and which is the senior.',
    tag: 'nodes',
    answers: { 200: Type.Object({ items: Type.Array(NodeView) }) },
  })
  app.get('/v1/nodes', { schema: nodes }, async () => list(await view.nodes()))

  const domains = described({
    summary: 'Every domain: balancing, buckets and holders, what waits, its link, rates and counters.',
    tag: 'domains',
    answers: { 200: Type.Object({ items: Type.Array(DomainView) }) },
  })
  app.get('/v1/domains', { schema: domains }, async () => list(view.domains()))

  const inDomain = { tag: 'domains', params: DomainPath, problems: [404] } as const
  const domain = described({
    ...inDomain,
    summary: 'One of them, with its instances, and what is in quarantine without what users wrote.',
    answers: { 200: DomainDetailView },
  })
  app.get<InDomain>('/v1/domains/:d', { schema: domain }, async (request, reply) => {
    return view.domain(request.params.d) ?? sendNotServed(reply)
  })

  const instances = described({
    ...inDomain,
    summary: 'Its instances: state, bucket, address, delivered, what is not confirmed, how fast it answers.',
    answers: { 200: Type.Object({ items: Type.Array(InstanceView) }) },
  })
  app.get<InDomain>('/v1/domains/:d/instances', { schema: instances }, async (request, reply) => {
    const found = view.instances(request.params.d)
    return found === undefined ? sendNotServed(reply) : list(found)
  })

  const explain = described({
    ...inDomain,
    summary: 'Where a stanza between two addresses would go now, and why; nothing is sent or counted.',
    querystring: ExplainQuery,
    answers: { 200: ExplainView },
  })
  type Explain = InDomain & { Querystring: Static<typeof ExplainQuery> }
  app.get<Explain>('/v1/domains/:d/explain', { schema: explain }, async (request, reply) => {
    const found = view.explain(request.params.d, request.query.from, request.query.to)
    if (found === undefined) return sendNotServed(reply)
    return 'problem' in found ? sendProblem(reply, 400, found.problem) : found
  })
  const paths = ['/v1/domains/:d', '/v1/domains/:d/instances', '/v1/domains/:d/explain']
  readOnly(app, ['/v1/nodes', '/v1/domains', ...paths])
}
