import { Element } from 'ltx'
import { ns } from '../xmpp/namespaces.ts'
import type { StanzaCondition } from '../xmpp/stanza-error.ts'
import type { AdHocCommand, CommandResult, Stage } from './commands.ts'
import { formToFill, resultForm, type Values, valuesOf } from './data-form.ts'
import { printable } from './printable.ts'
import { type Session, Sessions, type SessionsParts } from './sessions.ts'

/** Why a command was not carried out; `specific` is a condition of XEP-0050 §4.4. */
export interface CommandError {
  readonly condition: StanzaCondition
  readonly specific?: 'bad-action' | 'malformed-action' | 'bad-payload' | 'bad-sessionid' | 'session-expired'
  readonly text?: string
}

/** The payload of the result, or the error that is sent in its place. */
export type CommandAnswer = { readonly payload: string } | CommandError

export interface AdHocParts extends SessionsParts {
  readonly commands: readonly AdHocCommand[]
  /** Told of what should never have been thrown. */
  readonly bug: (error: unknown) => void
}

/** Commands that are being carried out at once: some wait for other nodes. */
const MOST_RUNNING = 16

const actions = ['execute', 'next', 'prev', 'complete', 'cancel'] as const

/** Who sends a command: the full JID, and the bare one, both normalised. */
export interface Sender {
  readonly full: string
  readonly bare: string
}

/** Ad-hoc commands as the one who carries them out (XEP-0050 v1.3). Who may use them is the caller's to say. */
export class AdHoc {
  readonly #parts: AdHocParts
  readonly #sessions: Sessions
  readonly #byNode: ReadonlyMap<string, AdHocCommand>
  #running = 0

  constructor(parts: AdHocParts) {
    this.#parts = parts
    this.#sessions = new Sessions(parts)
    this.#byNode = new Map(parts.commands.map((command) => [command.node, command]))
  }

  get commands(): readonly AdHocCommand[] {
    return this.#parts.commands
  }

  /** Answers one `<command/>`. Never rejects. */
  async answer(from: Sender, request: Element): Promise<CommandAnswer> {
    if (this.#running >= MOST_RUNNING) return { condition: 'resource-constraint', text: 'too many commands at once' }
    this.#running++
    try {
      return await this.#answer(from, request)
    } catch (error) {
      this.#parts.bug(error)
      return { condition: 'internal-server-error' }
    } finally {
      this.#running--
    }
  }

  async #answer(from: Sender, request: Element): Promise<CommandAnswer> {
    const { node, sessionid } = request.attrs
    const action = actions.find((known) => known === (request.attrs.action ?? 'execute'))
    const command = this.#byNode.get(`${node}`)
    if (command === undefined) return { condition: 'item-not-found' }
    if (action === undefined) return { condition: 'bad-request', specific: 'malformed-action' }
    if (sessionid === undefined) {
      return action === 'execute' ? this.#begin(from, command) : { condition: 'bad-request', specific: 'bad-sessionid' }
    }
    const session = this.#sessions.find(`${sessionid}`, from.full)
    if (session === 'expired') return { condition: 'not-allowed', specific: 'session-expired' }
    if (session?.command !== command) return { condition: 'bad-request', specific: 'bad-sessionid' }
    return this.#goOn(session, action, request.getChild('x', ns.dataForms))
  }

  async #begin(from: Sender, command: AdHocCommand): Promise<CommandAnswer> {
    if (command.stages.length > 0) return this.#show(this.#sessions.begin(from.full, from.bare, command))
    // Complete with its first answer: nothing of it is remembered.
    return this.#run(command, this.#parts.newId(), from.bare, {})
  }

  async #goOn(session: Session, action: (typeof actions)[number], form: Element | undefined): Promise<CommandAnswer> {
    const { command, id } = session
    const isLast = session.stage === command.stages.length - 1
    switch (action) {
      case 'cancel':
        this.#sessions.end(session)
        return { payload: commandElement(command.node, id, 'canceled').toString() }
      case 'prev':
        if (session.stage === 0) return { condition: 'bad-request', specific: 'bad-action' }
        session.stage--
        session.values.length = session.stage
        return this.#show(session)
      default:
        if (action === (isLast ? 'next' : 'complete')) return { condition: 'bad-request', specific: 'bad-action' }
        return this.#submit(session, form, isLast)
    }
  }

  async #submit(session: Session, form: Element | undefined, isLast: boolean): Promise<CommandAnswer> {
    const { stage } = session
    const fields = await stageOf(session).fields(allOf(session))
    const read = valuesOf(form, fields)
    if ('problem' in read) return { condition: 'bad-request', specific: 'bad-payload', text: read.problem }
    // Two answers to one form: the first one counts.
    if (session.stage !== stage || this.#sessions.find(session.id, session.owner) !== session)
      return { condition: 'bad-request', specific: 'bad-action' }
    session.values[stage] = read.values
    if (isLast) {
      this.#sessions.end(session)
      return this.#run(session.command, session.id, session.admin, allOf(session))
    }
    session.stage++
    return this.#show(session)
  }

  async #show(session: Session): Promise<CommandAnswer> {
    const { command, id, stage } = session
    const { instructions } = stageOf(session)
    const fields = await stageOf(session).fields(allOf(session))
    const isLast = stage === command.stages.length - 1
    const answer = commandElement(command.node, id, 'executing')
    const allowed = answer.c('actions', { execute: isLast ? 'complete' : 'next' })
    if (stage > 0) allowed.c('prev')
    allowed.c(isLast ? 'complete' : 'next')
    answer.cnode(formToFill(command.name, instructions, fields))
    return { payload: answer.toString() }
  }

  async #run(command: AdHocCommand, id: string, admin: string, values: Values): Promise<CommandAnswer> {
    const { note, table }: CommandResult = await command.run({ via: 'xmpp', by: admin }, values)
    const answer = commandElement(command.node, id, 'completed')
    if (note !== undefined) answer.c('note', { type: note.type }).t(printable(note.text))
    if (table !== undefined) answer.cnode(resultForm(command.name, table.columns, table.rows))
    return { payload: answer.toString() }
  }
}

function stageOf({ command, stage }: Session): Stage {
  const found = command.stages[stage]
  if (found === undefined) throw new RangeError(`${command.node} has no stage ${stage}`)
  return found
}

function allOf({ values }: Session): Values {
  return Object.assign({}, ...values) as Values
}

function commandElement(node: string, sessionid: string, status: string): Element {
  return new Element('command', { xmlns: ns.commands, node, sessionid, status })
}
