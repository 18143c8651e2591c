import type { Clock } from './clock.ts'
import type { Instance } from './instance.ts'
import { barrierOf } from './stream/barriers.ts'
import type { Head } from './xmpp/head.ts'

export interface ReplyingParts {
  readonly clock: Clock
  /** Milliseconds of a monotonic clock, as exact as there is. */
  readonly preciseNow: () => number
  /** Told how long an instance took to answer a request, in seconds. */
  readonly answered: (seconds: number) => void
}

/** The answer to a barrier is between the stream and us: not counted, and never passed on. */
export function isConfirmation(instance: Instance, head: Head): boolean {
  const barrier = barrierOf(head)
  if (barrier === 0) return false
  instance.confirm(barrier)
  return true
}

/** False when the instance was not asked, or its time to answer is over: whoever asked has had an answer. */
export function noteAnswer(instance: Instance, head: Head, { clock, preciseNow, answered }: ReplyingParts): boolean {
  const request = instance.requests.answer(head)
  if (request === undefined) return false
  answered((clock.now - request.since) / 1000)
  if (request.at !== undefined) instance.timed((preciseNow() - request.at) / 1000)
  return true
}
