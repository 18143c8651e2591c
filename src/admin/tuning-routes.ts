import type { Static } from '@sinclair/typebox'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { notServed, type Operations, type Outcome } from '../operations.ts'
import { byRequest } from './actions.ts'
import { described } from './described.ts'
import { sendProblem, sendRefused } from './problem.ts'
import { DomainPath } from './routes.ts'
import type { Guard } from './token.ts'
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

type InDomain = { Params: Static<typeof DomainPath> }

const USUAL_SECONDS = 10
/** A sample of a few nodes, or a page of addresses. */
const MOST_BYTES = 16 * 1024 ** 2

/** Mounts what is looked at before a balancing is changed. It shows addresses, so all of it needs the token. */
export function tuningRoutes(
  app: FastifyInstance,
  tuning: TuningAccess,
  operations: Operations,
  onRequest: Guard,
): void {
  const common = { tag: 'domains', params: DomainPath, problems: [404, 503], isGuarded: true } as const
  const sample = described({
    ...common,
    summary:
      'Records whose stanzas a domain balances, on all nodes, for `seconds`: addresses or, `hashed`, what the criteria hash them to.',
    querystring: SampleQuery,
    answers: { 200: SampleView },
  })
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
      const { d } = request.params
      const options = { seconds, hashed: hashed === 'true' }
      const refused = operations.begun(byRequest(request), 'sample', { domain: d })
      const outcome = await outcomeOf(reply, (signal) => tuning.sample(d, options, signal))
      if ('done' in outcome) return outcome.done
      refused(outcome)
      return sendRefused(reply, outcome)
    },
  )

  const preview = described({
    ...common,
    summary:
      'What another balancing would do to a sample: the shares now and then, the hottest keys, how many keys and how much traffic would move.',
    body: PreviewBody,
    answers: { 200: PreviewView },
  })
  type Preview = InDomain & { Body: PreviewBody }
  app.post<Preview>(
    '/v1/domains/:d/preview',
    { onRequest, schema: preview, bodyLimit: MOST_BYTES },
    async (request, reply) => {
      const { d } = request.params
      const outcome = await outcomeOf(reply, (signal) => tuning.preview(d, request.body, signal))
      operations.noted(byRequest(request), 'preview', { domain: d }, outcome)
      return 'done' in outcome ? outcome.done : sendRefused(reply, outcome)
    },
  )
}

/** Waits as long as it takes, or until whoever asked is gone. */
async function outcomeOf<T extends object>(
  reply: FastifyReply,
  ask: (signal: AbortSignal) => Promise<T | Refusal | undefined>,
): Promise<Outcome<T>> {
  const gone = new AbortController()
  reply.raw.setTimeout(0)
  reply.raw.once('close', () => gone.abort())
  try {
    const found = await ask(gone.signal)
    if (found === undefined) return notServed
    return 'problem' in found ? { refused: 'invalid', detail: found.problem } : { done: found }
  } catch (error) {
    return { refused: 'unavailable', detail: error instanceof Error ? error.message : String(error) }
  }
}
