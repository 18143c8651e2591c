import type { FastifyInstance } from 'fastify'
import { type Log, logEvent } from '../log.ts'
import { EventStreams, type ToldEvent } from './event-streams.ts'
import { refuseMethod, sendProblem } from './problem.ts'

/** Where events come from. */
export interface EventSource {
  listen(listener: (event: ToldEvent) => void): () => void
  /** Events that readers missed; counted up here. */
  dropped: number
}

/** How often a reader without events hears that the connection lives; and how long one may take in nothing. Milliseconds. */
const HEARTBEAT = 15_000
const PATIENCE = 60_000

/** Mounts the events of the node. */
export function eventRoutes(app: FastifyInstance, source: EventSource, log: Log): void {
  const streams = new EventStreams({
    dropped: () => {
      source.dropped++
    },
    told: (missed) => logEvent(log, 'events-dropped', { missed }),
  })
  const stop = source.listen((event) => streams.send(event))
  const heart = setInterval(() => streams.beat(), HEARTBEAT)
  heart.unref()
  app.addHook('preClose', async () => {
    stop()
    clearInterval(heart)
    streams.close()
  })

  const url = '/v1/events'
  app.get('/v1/events', { exposeHeadRoute: false }, async (_request, reply) => {
    const stream = streams.open()
    if (stream === undefined) return sendProblem(reply, 503, `${streams.size} readers have the events already`)
    // With a heartbeat in between, only who reads nothing is silent for so long.
    reply.raw.setTimeout(PATIENCE)
    return reply.type('text/event-stream; charset=utf-8').send(stream)
  })
  app.route({
    method: ['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
    url,
    onRequest: refuseMethod,
    handler: refuseMethod,
  })
}
