import type { Static } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from '../../config/type.ts'
import { type Log, logEvent } from '../log.ts'
import { refuseMethod, sendProblem } from './problem.ts'
import { tokenHook } from './token.ts'

/** What a node answered: a value, or why it could not do what it was asked. */
type Answer = { readonly value: unknown } | { readonly error: string }

export interface NodesAnswer {
  /** By the node's name. */
  readonly answers: ReadonlyMap<string, Answer>
  /** The names of those that did not answer in time. */
  readonly silent: readonly string[]
}

const strict = { additionalProperties: false }
const texts = () => Type.Array(Type.String())

const ConsistencyView = Type.Object({
  consistent: Type.Boolean({ description: 'nothing differs, and every node has answered' }),
  epoch: Type.Integer({ description: 'of the table in Redis' }),
  nodes: texts(),
  differences: Type.Array(
    Type.Object({
      kind: Type.String(),
      text: Type.String({ description: 'for people' }),
      nodes: texts(),
      domain: Type.Optional(Type.String()),
      instance: Type.Optional(Type.String()),
      bucket: Type.Optional(Type.Integer()),
    }),
  ),
  silent: Type.Array(Type.String(), { description: 'the nodes that did not answer in time' }),
})

/** What the consistency check found, as `ConsistencyView` shows it. */
export interface Consistency {
  readonly consistent: boolean
  readonly epoch: number
  readonly nodes: readonly string[]
  readonly differences: readonly {
    readonly kind: string
    readonly text: string
    readonly nodes: readonly string[]
    readonly domain?: string
    readonly instance?: string
    readonly bucket?: number
  }[]
  readonly silent: readonly string[]
}

/** What the admin port asks of all nodes. It answers within the time that a cluster task may take; what it rejects with is shown. */
export interface ClusterAccess {
  consistency(): Promise<Consistency>
  /** Has every node read its configuration anew. */
  reload(): Promise<NodesAnswer>
  /** Has a node drain and stop; undefined when there is none of that name. */
  drain(node: string): Promise<NodesAnswer | undefined>
}

const NodePath = Type.Object({ node: Type.String({ minLength: 1, maxLength: 64 }) }, strict)

/** Mounts what is asked of several nodes. */
export function clusterRoutes(
  app: FastifyInstance,
  cluster: ClusterAccess,
  token: () => string | undefined,
  log: Log,
): void {
  const onRequest = [tokenHook(token), patient]
  const note = (request: FastifyRequest, action: string): void =>
    logEvent(log, 'admin-action', { action, path: request.url, remote: request.ip })

  const url = '/v1/cluster/consistency'
  const schema = { querystring: Type.Object({}, strict), response: { 200: ConsistencyView } }
  app.get('/v1/cluster/consistency', { onRequest: patient, schema }, async (_request, reply) => {
    return cluster.consistency().catch((error: unknown) => unavailable(reply, error))
  })
  app.route({
    method: ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url,
    onRequest: refuseMethod,
    handler: refuseMethod,
  })

  app.post('/v1/reload', { onRequest }, async (request, reply) => {
    note(request, 'reload')
    const answer = await cluster.reload().catch((error: unknown) => unavailable(reply, error))
    return 'answers' in answer ? sendNodes(reply, 200, answer) : answer
  })

  type OfNode = { Params: Static<typeof NodePath> }
  app.post<OfNode>('/v1/nodes/:node/drain', { onRequest, schema: { params: NodePath } }, async (request, reply) => {
    note(request, 'drain-node')
    const answer = await cluster.drain(request.params.node).catch((error: unknown) => unavailable(reply, error))
    if (answer === undefined) return sendProblem(reply, 404, 'no such node is in the cluster')
    return 'answers' in answer ? sendNodes(reply, 202, answer) : answer
  })
}

/** Nodes may take their time: the socket is not closed because nothing is sent meanwhile. */
async function patient(_request: FastifyRequest, reply: FastifyReply): Promise<void> {
  reply.raw.setTimeout(0)
}

/** What each node answered; a problem when one could not do it, or did not answer. */
function sendNodes(reply: FastifyReply, status: number, { answers, silent }: NodesAnswer): FastifyReply {
  const nodes = [...answers].map(([node, answer]) => ({ node, ...answer }))
  const failed = nodes.flatMap((answer) => ('error' in answer ? [`${answer.node}: ${answer.error}`] : []))
  const more = { nodes, silent }
  if (failed.length > 0) return sendProblem(reply, 409, failed.join('; '), more)
  if (silent.length > 0) return sendProblem(reply, 504, `no answer in time from ${silent.join(', ')}`, more)
  return reply.code(status).send(more)
}

/** The store cannot be asked, or too much is being asked. */
function unavailable(reply: FastifyReply, error: unknown): FastifyReply {
  return sendProblem(reply, 503, error instanceof Error ? error.message : String(error))
}
