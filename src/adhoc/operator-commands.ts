import { randomBytes } from 'node:crypto'
import type { Element } from 'ltx'
import type { Admin, LocalCommands, Origin } from '../local.ts'
import { escapeForLog, type Log, logEvent } from '../log.ts'
import { type AdminActions, type Nodes, Operations } from '../operations.ts'
import { bareText, fullText, normalise } from '../xmpp/jid.ts'
import { AdHoc, type CommandAnswer } from './adhoc.ts'
import { adHocCommands, type CommandView } from './commands.ts'

export interface OperatorCommandsParts {
  /** Bare JIDs, normalised. */
  readonly admins: () => readonly string[]
  /** Whether a domain is served here: whoever connects for it can be anybody of it. */
  readonly isServed: (domain: string) => boolean
  readonly view: () => CommandView
  readonly actions: () => AdminActions
  readonly nodes: () => Promise<Nodes>
  readonly log: Log
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

/** Between two lines about who was refused: whoever asks again and again fills no disk. */
const QUIET_MILLISECONDS = 10_000

/** The commands for people at Switchyard's own address: for the admins of the configuration, and nobody else. */
export class OperatorCommands implements LocalCommands {
  readonly #parts: OperatorCommandsParts
  #adhoc: AdHoc | undefined
  #toldAt = Number.NEGATIVE_INFINITY
  /** Since the last line. */
  #refused = 0

  constructor(parts: OperatorCommandsParts) {
    this.#parts = parts
  }

  admit(from: string): Admin | undefined {
    const { admins, isServed } = this.#parts
    if (admins().length === 0) return undefined
    const jid = normalise(from)
    if (jid === undefined || isServed(jid.domain)) return undefined
    const bare = bareText(jid)
    return admins().includes(bare) ? { full: fullText(jid), bare } : undefined
  }

  refused(from: string, origin: Origin): void {
    const { actions, log, now } = this.#parts
    actions().refused?.('jid')
    this.#refused++
    const at = now()
    if (at - this.#toldAt < QUIET_MILLISECONDS) return
    logEvent(log, 'admin-refused', { via: 'xmpp', by: escapeForLog(from), origin, count: this.#refused })
    this.#toldAt = at
    this.#refused = 0
  }

  get commands() {
    return this.#made.commands
  }

  answer(admin: Admin, command: Element): Promise<CommandAnswer> {
    return this.#made.answer(admin, command)
  }

  /** Made when somebody asks: most nodes are asked by nobody. */
  get #made(): AdHoc {
    const { view, actions, nodes, log, now } = this.#parts
    this.#adhoc ??= new AdHoc({
      commands: adHocCommands({ view: view(), operations: new Operations({ actions: actions(), nodes, log }) }),
      now,
      newId: () => randomBytes(12).toString('hex'),
      bug: (err) => logEvent(log, 'bug', { err }),
    })
    return this.#adhoc
  }
}
