import type { TSchema } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import { Type } from '../../config/type.ts'

/** Why a route answers with a problem; the words are those of the OpenAPI document. */
const problemStatuses = {
  400: 'A parameter or the body is missing, unknown or wrong.',
  401: 'The bearer token is missing or wrong.',
  403: 'No token is configured, so nobody may.',
  404: 'There is no such thing.',
  409: 'It cannot be done as things are.',
  429: 'Too many wrong tokens came from this address: `Retry-After` says how long to wait.',
  503: 'It cannot be answered now.',
  504: 'A node did not answer in time.',
} as const
export type ProblemStatus = keyof typeof problemStatuses

/** An error (RFC 9457 §3). Some have more members, which their routes describe. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer({ minimum: 400, maximum: 599 }),
  detail: Type.Optional(Type.String({ description: 'for people' })),
})

/** The groups of routes in the document, and of rows in the README. */
export const tags = {
  node: 'This node',
  domains: 'Domains and their instances',
  nodes: 'All nodes',
} as const

/** What a route is, for whoever calls it. */
export interface Description {
  readonly summary: string
  readonly tag: keyof typeof tags
  readonly params?: TSchema
  readonly querystring?: TSchema
  readonly body?: TSchema
  /** By status: the schema of a JSON answer, or null for one without a body. */
  readonly answers: Readonly<Record<number, TSchema | null>>
  /** Of answers that are no JSON. */
  readonly mediaType?: string
  readonly problems?: readonly ProblemStatus[]
  /** It needs the bearer token. */
  readonly isGuarded?: boolean
}

const NoQuery = Type.Object({}, { additionalProperties: false })
const guarded: readonly ProblemStatus[] = [401, 403, 429]

/**
 * The schema of a route: what validates its requests, shapes its answers, and describes it in /openapi.json. A parameter
 * that is not named is refused.
 */
export function described(route: Description): FastifySchema {
  const { summary, tag, params, querystring = NoQuery, body, answers, mediaType, isGuarded = false } = route
  const statuses = [...new Set<ProblemStatus>([400, ...(isGuarded ? guarded : []), ...(route.problems ?? [])])]
  const problems = statuses.toSorted().map((status) => [status, problem(problemStatuses[status])] as const)
  return {
    summary,
    tags: [tag],
    security: isGuarded ? [{ token: [] }] : [],
    querystring,
    ...(params === undefined ? {} : { params }),
    ...(body === undefined ? {} : { body }),
    response: {
      ...Object.fromEntries(Object.entries(answers).map(([status, schema]) => [status, answer(schema, mediaType)])),
      ...Object.fromEntries(problems),
      '5xx': problem('A fault of Switchyard, which is in its log.'),
    },
  }
}

function answer(schema: TSchema | null, mediaType = 'application/json'): object {
  if (schema === null) return { description: 'Done.', type: 'null' }
  const description = typeof schema.description === 'string' ? schema.description : 'Answered.'
  return { description, content: { [mediaType]: { schema } } }
}

function problem(description: string): object {
  return { description, content: { 'application/problem+json': { schema: Problem } } }
}
