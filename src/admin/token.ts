import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { sendProblem } from './problem.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest()

/**
 * A hook that lets a request through when it carries the bearer token (RFC 6750 §2.1), compared in constant time. Without
 * a configured token nobody may.
 */
export function tokenHook(token: () => string | undefined) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const expected = token()
    if (expected === undefined) return sendProblem(reply, 403, 'no admin.token is configured')
    const given = /^Bearer +([\x21-\x7e]+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given !== undefined && timingSafeEqual(digest(given), digest(expected))) return undefined
    return sendProblem(reply.header('www-authenticate', 'Bearer'), 401, 'the bearer token is missing or wrong')
  }
}
