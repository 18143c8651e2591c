import type { FastifyInstance } from 'fastify'
import { Type } from '../../config/type.ts'
import { type Log, logEvent } from '../log.ts'
import { described } from './described.ts'
import { EventStreams, type ToldEvent } from './event-streams.ts'
import { readOnly, sendProblem } from './problem.ts'
import type { AdminView } from './view.ts'

/** Where events come from. */
export interface EventSource {
  listen(listener: (event: ToldEvent) => void): () => void
  /** Events that readers missed; counted up here. */
  dropped: number
}

/** How often a reader without events hears that the connection lives; and how long one may take in nothing. Milliseconds. */
const HEARTBEAT = 15_000
const PATIENCE = 60_000
/** How often readers are told what has been counted, in milliseconds. */
const STATS = 1000

/** Mounts the events of the node. */
export function eventRoutes(app: FastifyInstance, source: EventSource, view: AdminView, log: Log): void {
  const streams = new EventStreams({
    dropped: () => {
      source.dropped++
    },
    told: (missed) => logEvent(log, 'events-dropped', { missed }),
  })
  const stop = source.listen((event) => streams.send(event))
  const timers = [
    setInterval(() => streams.beat(), HEARTBEAT),
    setInterval(() => {
      if (streams.size > 0) streams.sendLatest('stats', view.stats())
    }, STATS),
  ]
  for (const timer of timers) timer.unref()
  app.addHook('preClose', async () => {
    stop()
    for (const timer of timers) clearInterval(timer)
    streams.close()
  })

  const url = '/v1/events'
  const schema = described({
    summary:
      'Server-sent events: `node_joined`, `node_left`, `senior`, `instance_joined`, `instance_left`, `bucket_moved`, `link_up`, `link_down` and the like; `stats` every second, as `StatsView`; `dropped` says how many a slow reader missed.',
    tag: 'node',
    answers: { 200: Type.String() },
    mediaType: 'text/event-stream',
    problems: [503],
  })
  app.get(url, { exposeHeadRoute: false, schema }, async (_request, reply) => {
    const stream = streams.open()
    if (stream === undefined) return sendProblem(reply, 503, `${streams.size} readers have the events already`)
    // With a heartbeat in between, only who reads nothing is silent for so long.
    reply.raw.setTimeout(PATIENCE)
    return reply.type('text/event-stream; charset=utf-8').send(stream)
  })
  readOnly(app, [url], false)
}
