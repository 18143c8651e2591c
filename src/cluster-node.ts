import { randomBytes } from 'node:crypto'
import type { Cluster as ClusterConfig } from '../config/config.ts'
import { Backoff } from './backoff.ts'
import { type ClusterStore, StoreError } from './cluster/cluster-store.ts'
import { NameTaken, UnlikeForm } from './cluster/membership-errors.ts'
import { ClusterMember, type ClusterMemberParts } from './cluster-member.ts'
import { SwitchyardError } from './errors.ts'
import { escapeForLog, logEvent } from './log.ts'
import { routeFrom } from './replies.ts'

export interface ClusterNodeParts extends Omit<ClusterMemberParts, 'lost'> {
  readonly store: () => ClusterStore
  /** A new life begins: what belongs to the one before is not to be used any more. */
  readonly begins: () => void
}

/** Between one try to join and the next, once this node has been a member, in milliseconds. */
const rejoin = { first: 250, most: 5000 }

/** This node in its cluster: one life after the other, as others may give it up while it cannot be heard. */
export class ClusterNode {
  readonly #parts: ClusterNodeParts
  #member: ClusterMember
  #isEnded = false
  /** The present life has ended. */
  #isOver = false
  /** Ends the wait between two tries. */
  #wake = (): void => {}

  constructor(parts: ClusterNodeParts) {
    this.#parts = parts
    this.#member = this.#newMember()
  }

  get member(): ClusterMember {
    return this.#member
  }

  /** Joins; rejects with a SwitchyardError when that cannot be, or not in as many tries as the config allows. */
  async start({ startup_delay_seconds: delay, startup_retries: retries, retry_seconds }: ClusterConfig): Promise<void> {
    await this.#pause(delay * 1000)
    for (let left = retries; !this.#isEnded; left--) {
      const failure = await this.#try()
      if (failure === undefined) return
      if (this.#isEnded) break
      if (left === 0 || isLasting(failure.error)) throw refused(messageOf(failure.error))
      this.#tellRetry(failure, retry_seconds)
      await this.#pause(retry_seconds * 1000)
    }
    throw refused('the node stops')
  }

  /** In order: see `ClusterMember.leave`. */
  async leave(milliseconds: number): Promise<void> {
    this.#isEnded = true
    this.#wake()
    try {
      await this.#member.leave(milliseconds)
      logEvent(this.#parts.log, 'cluster-left')
    } catch (error) {
      this.#member.end()
      logEvent(this.#parts.log, 'cluster-left', { reason: escapeForLog(messageOf(error)) })
    }
  }

  /** At once. */
  end(): void {
    this.#isEnded = true
    this.#wake()
    this.#member.end()
  }

  #newMember(): ClusterMember {
    const incarnation = routeFrom(randomBytes(10))
    return new ClusterMember(incarnation, this.#parts.store(), { ...this.#parts, lost: () => void this.#rejoin() })
  }

  /** What belongs to a life is asked of the one that is. */
  #next(): void {
    this.#member = this.#newMember()
    this.#isOver = false
    this.#parts.begins()
  }

  /** Joins, as another where the life before is over. Resolves with what stands against it. */
  async #try(): Promise<Failure | undefined> {
    try {
      if (this.#isOver) this.#next()
      await this.#member.join()
      return undefined
    } catch (error) {
      this.#isOver = true
      this.#member.end()
      return { error }
    }
  }

  async #rejoin(): Promise<void> {
    const backoff = new Backoff(rejoin.first, rejoin.most, Math.random)
    this.#isOver = true
    while (!this.#isEnded) {
      const failure = await this.#try()
      if (failure === undefined || this.#isEnded) return
      const wait = backoff.next()
      this.#tellRetry(failure, Math.round(wait / 100) / 10)
      this.#prepare()
      await this.#pause(wait)
    }
  }

  /** What is to be written down waits for a life that is to come: in one that is over nothing waits. */
  #prepare(): void {
    try {
      this.#next()
    } catch {
      // The next try says why.
    }
  }

  #tellRetry({ error }: Failure, seconds: number): void {
    logEvent(this.#parts.log, 'cluster-retry', { seconds, reason: escapeForLog(messageOf(error)) })
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.timing.later(resolve, milliseconds)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}

interface Failure {
  readonly error: unknown
}

function refused(reason: string): SwitchyardError {
  return new SwitchyardError('cluster-refused', `cannot join the cluster: ${reason}`)
}

/** To try again would change nothing. */
function isLasting(error: unknown): boolean {
  return error instanceof StoreError || error instanceof NameTaken || error instanceof UnlikeForm
}

/** Only its text: an error of Redis carries the command that it is about, password and all. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
