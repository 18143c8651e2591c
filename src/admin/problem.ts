import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Log, logEvent } from '../log.ts'
import { notServed, type Refused } from '../operations.ts'

/** Answers with a problem (RFC 9457 §3): the status, its name, `detail` for people, and what else there is to say (§3.2). */
export function sendProblem(
  reply: FastifyReply,
  status: number,
  detail?: string,
  more: Readonly<Record<string, unknown>> = {},
): FastifyReply {
  const problem = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, ...more }
  // As text: a route's response schemas are for its answers, not for its errors.
  return reply.code(status).type('application/problem+json').send(JSON.stringify(problem))
}

const statuses = { invalid: 400, absent: 404, conflict: 409, failed: 409, silent: 504, unavailable: 503 } as const

/** Answers with why something was not done. */
export function sendRefused(reply: FastifyReply, { refused, detail, report }: Refused): FastifyReply {
  return sendProblem(reply, statuses[refused], detail, report === undefined ? {} : { ...report })
}

export function sendNotServed(reply: FastifyReply): FastifyReply {
  return sendRefused(reply, notServed)
}

/** 405 for a path that is there and cannot be changed (RFC 9110 §15.5.6). */
async function refuseMethod(_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  return sendProblem(reply.header('allow', 'GET, HEAD'), 405, 'this path can only be read')
}

/** Turns whatever goes wrong into a problem. A fault of ours is logged in full and shown without its text. */
export function errorHandler(log: Log) {
  return (error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void => {
    const status = error.validation === undefined ? (error.statusCode ?? 500) : 400
    if (status < 500) {
      sendProblem(reply, status, error.message)
      return
    }
    logEvent(log, 'bug', { err: error })
    sendProblem(reply, 500)
  }
}

/** Has paths that can only be read say so, before a body is read. Whoever is described in /openapi.json is not this. */
export function readOnly(app: FastifyInstance, urls: readonly string[], hasHead = true): void {
  const method = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', ...(hasHead ? [] : ['HEAD'])]
  for (const url of urls)
    app.route({ method, url, schema: { hide: true }, onRequest: refuseMethod, handler: refuseMethod })
}

export function problems(app: FastifyInstance, log: Log): void {
  app.setErrorHandler(errorHandler(log))
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, 404, 'no such path'))
}
