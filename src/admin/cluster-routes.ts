import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { Type } from '../../config/type.ts'
import type { Nodes, Operations } from '../operations.ts'
import { byRequest, patient } from './actions.ts'
import { described } from './described.ts'
import { readOnly, sendProblem, sendRefused } from './problem.ts'
import type { Guard } from './token.ts'

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

/** What the admin port asks of all nodes. */
export interface ClusterAccess extends Nodes {
  consistency(): Promise<Consistency>
}

const NodePath = Type.Object({ node: Type.String({ minLength: 1, maxLength: 64, description: 'its name' }) }, strict)

const NodesView = Type.Object({
  nodes: Type.Array(
    Type.Object({
      node: Type.String(),
      value: Type.Optional(Type.Unsafe<unknown>({ description: 'what it answered' })),
      error: Type.Optional(Type.String({ description: 'why it could not' })),
    }),
  ),
  silent: Type.Array(Type.String(), { description: 'the nodes that did not answer in time' }),
})

/** Mounts what is asked of several nodes. */
export function clusterRoutes(
  app: FastifyInstance,
  cluster: ClusterAccess,
  operations: Operations,
  guard: Guard,
): void {
  const onRequest = [guard, patient]

  const consistency = described({
    summary: 'Compares all nodes with Redis: what differs, and who did not answer.',
    tag: 'nodes',
    answers: { 200: ConsistencyView },
    problems: [503],
  })
  const url = '/v1/cluster/consistency'
  app.get(url, { onRequest: patient, schema: consistency }, async (_request, reply) => {
    return cluster.consistency().catch((error: unknown) => {
      return sendProblem(reply, 503, error instanceof Error ? error.message : String(error))
    })
  })
  readOnly(app, [url])

  const reload = described({
    summary: 'Every node reads its configuration again; 409 when one refuses, 504 when one does not answer.',
    tag: 'nodes',
    answers: { 200: NodesView },
    problems: [409, 503, 504],
    isGuarded: true,
  })
  app.post('/v1/reload', { onRequest, schema: reload }, async (request, reply) => {
    const outcome = await operations.reload(byRequest(request))
    return 'done' in outcome ? outcome.done : sendRefused(reply, outcome)
  })

  const drain = described({
    summary: 'A node drains and stops.',
    tag: 'nodes',
    params: NodePath,
    answers: { 202: NodesView },
    problems: [404, 409, 503, 504],
    isGuarded: true,
  })
  type OfNode = { Params: Static<typeof NodePath> }
  app.post<OfNode>('/v1/nodes/:node/drain', { onRequest, schema: drain }, async (request, reply) => {
    const outcome = await operations.drainNode(byRequest(request), request.params.node)
    return 'done' in outcome ? reply.code(202).send(outcome.done) : sendRefused(reply, outcome)
  })
}
