import type { AdHocCommand } from './commands.ts'
import type { Values } from './data-form.ts'

/** Sessions at once, of all admins and of one; and how long one may take, in milliseconds. */
export const MOST_SESSIONS = 64
const MOST_PER_ADMIN = 8
export const SESSION_MILLISECONDS = 10 * 60_000

/** One command that somebody is filling in. */
export interface Session {
  readonly id: string
  /** The full JID that began it: nobody else goes on with it. */
  readonly owner: string
  readonly admin: string
  readonly command: AdHocCommand
  readonly until: number
  /** Which form is open, and what the ones before it have said. */
  stage: number
  readonly values: Values[]
}

export interface SessionsParts {
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
  /** Not to be guessed. */
  readonly newId: () => string
}

/** The sessions of XEP-0050 §3.2, bounded in number and time. The oldest makes room. */
export class Sessions {
  readonly #parts: SessionsParts
  readonly #byId = new Map<string, Session>()

  constructor(parts: SessionsParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#byId.size
  }

  /** @param admin the bare JID of `owner` */
  begin(owner: string, admin: string, command: AdHocCommand): Session {
    const now = this.#parts.now()
    for (const { id, until } of this.#byId.values()) if (until <= now) this.#byId.delete(id)
    const own = [...this.#byId.values()].filter((session) => session.admin === admin)
    if (own.length >= MOST_PER_ADMIN) this.#drop(own[0])
    if (this.#byId.size >= MOST_SESSIONS) this.#drop(this.#byId.values().next().value)
    const id = this.#parts.newId()
    const session = { id, owner, admin, command, until: now + SESSION_MILLISECONDS, stage: 0, values: [] }
    this.#byId.set(id, session)
    return session
  }

  /** Somebody's session; `expired` when it has had its time, undefined when there is none of theirs. */
  find(id: string, owner: string): Session | 'expired' | undefined {
    const session = this.#byId.get(id)
    if (session === undefined || session.owner !== owner) return undefined
    if (session.until > this.#parts.now()) return session
    this.#byId.delete(id)
    return 'expired'
  }

  end({ id }: Session): void {
    this.#byId.delete(id)
  }

  #drop(session: Session | undefined): void {
    if (session !== undefined) this.#byId.delete(session.id)
  }
}
