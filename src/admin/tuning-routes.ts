import type { Static } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from '../../config/type.ts'
import { type Log, logEvent } from '../log.ts'
import { sendProblem } from './problem.ts'
import { tokenHook } from './token.ts'
import { PreviewBody, PreviewView, SampleQuery, SampleView, sampleSeconds } from './tuning-views.ts'
import type { Refusal } from './view.ts'

export interface SampleOptions {
  readonly seconds: number
  readonly hashed: boolean
}

/**
 * What the admin port asks to tune a domain; undefined when it is not served. What it rejects with is shown. The signal
 * says that nobody waits for the answer any more.
 */
export interface TuningAccess {
  /** Looks at the stanzas of a domain, on all nodes, for so long. */
  sample(domain: string, options: SampleOptions, signal: AbortSignal): Promise<SampleView | undefined>
  /** What a change of a domain's balancing would do. */
  preview(domain: string, proposed: PreviewBody, signal: AbortSignal): Promise<PreviewView | Refusal | undefined>
}

const DomainPath = Type.Object({ d: Type.String({ minLength: 1, maxLength: 1023 }) }, { additionalProperties: false })
type InDomain = { Params: Static<typeof DomainPath> }

const USUAL_SECONDS = 10
/** A sample of a few nodes, or a page of addresses. */
const MOST_BYTES = 16 * 1024 ** 2

/** Mounts what is looked at before a balancing is changed. It shows addresses, so all of it needs the token. */
export function tuningRoutes(
  app: FastifyInstance,
  tuning: TuningAccess,
  token: () => string | undefined,
  log: Log,
): void {
  const onRequest = tokenHook(token)
  const note = (request: FastifyRequest, action: string): void =>
    logEvent(log, 'admin-action', { action, path: request.url, remote: request.ip })

  const sample = { params: DomainPath, querystring: SampleQuery, response: { 200: SampleView } }
  type Sample = InDomain & { Querystring: Static<typeof SampleQuery> }
  app.get<Sample>(
    '/v1/domains/:d/sample',
    { onRequest, schema: sample, exposeHeadRoute: false },
    async (request, reply) => {
      const { seconds: text, hashed } = request.query
      const seconds = Number(text ?? USUAL_SECONDS)
      if (seconds > sampleSeconds.maximum) {
        return sendProblem(reply, 400, `seconds: ${seconds} is more than ${sampleSeconds.maximum}`)
      }
      note(request, 'sample')
      const options = { seconds, hashed: hashed === 'true' }
      return answer(reply, (signal) => tuning.sample(request.params.d, options, signal))
    },
  )

  const preview = { params: DomainPath, body: PreviewBody, response: { 200: PreviewView } }
  type Preview = InDomain & { Body: PreviewBody }
  app.post<Preview>(
    '/v1/domains/:d/preview',
    { onRequest, schema: preview, bodyLimit: MOST_BYTES },
    async (request, reply) => {
      note(request, 'preview')
      return answer(reply, (signal) => tuning.preview(request.params.d, request.body, signal))
    },
  )
}

/** Waits as long as it takes, or until whoever asked is gone. */
async function answer<T extends object>(
  reply: FastifyReply,
  ask: (signal: AbortSignal) => Promise<T | Refusal | undefined>,
): Promise<T | FastifyReply> {
  const gone = new AbortController()
  reply.raw.setTimeout(0)
  reply.raw.once('close', () => gone.abort())
  try {
    const found = await ask(gone.signal)
    if (found === undefined) return sendProblem(reply, 404, 'no such domain is served here')
    return 'problem' in found ? sendProblem(reply, 400, found.problem) : found
  } catch (error) {
    return sendProblem(reply, 503, error instanceof Error ? error.message : String(error))
  }
}
