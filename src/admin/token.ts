import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Log, logEvent } from '../log.ts'
import type { AdminActions } from '../operations.ts'
import { Failures, MOST_FAILURES } from './failures.ts'
import { sendProblem } from './problem.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()

/** Lets a request through, or answers it. */
export type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>

/**
 * A hook that lets a request through when it carries the bearer token (RFC 6750 §2.1), compared in constant time. Without
 * a configured token nobody may. An address that sent too many wrong ones has to wait, whatever it sends (RFC 6585 §4).
 */
export function guardedBy(actions: AdminActions, log: Log, now: () => number = () => performance.now()): Guard {
  const failures = new Failures(now)
  return async (request, reply) => {
    const expected = actions.token()
    if (expected === undefined) return sendProblem(reply, 403, 'no admin.token is configured')
    const wait = failures.waitOf(request.ip)
    if (wait > 0) {
      actions.refused?.('rate')
      return sendProblem(reply.header('retry-after', wait), 429, `too many wrong tokens: wait ${wait} s`)
    }
    const given = /^Bearer +([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given !== undefined && timingSafeEqual(digest(given), digest(expected))) return undefined
    actions.refused?.('token')
    if (given !== undefined) {
      const count = failures.failed(request.ip)
      const mustWait = count >= MOST_FAILURES
      if (count === 1 || count === MOST_FAILURES) {
        logEvent(log, 'admin-refused', { via: 'http', by: request.ip, attempts: count, mustWait })
      }
    }
    return sendProblem(reply.header('www-authenticate', 'Bearer'), 401, 'the bearer token is missing or wrong')
  }
}
