import type { AdminView } from '../admin/view.ts'
import { type By, type InstanceAction, notServed, type Operations, type Outcome } from '../operations.ts'
import type { Field, Values } from './data-form.ts'

/** One form of a command; `values` is what the forms before it said. */
export interface Stage {
  readonly instructions: string
  fields(values: Values): readonly Field[] | Promise<readonly Field[]>
}

/** What a command has done. */
export interface CommandResult {
  readonly note?: { readonly type: 'info' | 'warn' | 'error'; readonly text: string }
  readonly table?: { readonly columns: readonly string[]; readonly rows: readonly (readonly string[])[] }
}

export interface AdHocCommand {
  readonly node: string
  readonly name: string
  /** Filled in one after the other; none for what is done at once. */
  readonly stages: readonly Stage[]
  run(by: By, values: Values): Promise<CommandResult> | CommandResult
}

/** What the commands show. */
export type CommandView = Pick<AdminView, 'nodes' | 'domains' | 'domain' | 'instances' | 'explain' | 'quarantine'>

export interface CommandParts {
  readonly view: CommandView
  readonly operations: Operations
}

/** Rows of a table, options of a list, and characters of a quarantined stanza that go into one answer: a server bounds stanzas. */
const MOST_ROWS = 100
const MOST_STANZAS = 20
const MOST_CHARACTERS = 2000

/** What the admins may do by XMPP (XEP-0050): the very actions of the admin port. */
export function adHocCommands({ view, operations }: CommandParts): readonly AdHocCommand[] {
  const domain: Field = { name: 'domain', label: 'Domain', type: 'list-single' }
  const choice = (values: readonly string[], labels: readonly string[] = values) =>
    values.slice(0, MOST_ROWS).map((value, at) => ({ value, label: labels[at] ?? value }))
  const ofDomain: Stage = {
    instructions: 'Choose a domain.',
    fields: () => [{ ...domain, options: choice(view.domains().map(({ name }) => name)) }],
  }
  const ofInstance: Stage = {
    instructions: 'Choose an instance.',
    fields: ({ domain: name = '' }) => {
      const instances = view.instances(name) ?? []
      const names = instances.map((instance) => instance.name)
      const labels = instances.map(({ name: own, state, node }) => `${own} (${state}, at ${node})`)
      return [{ name: 'instance', label: 'Instance', type: 'list-single', options: choice(names, labels) }]
    },
  }
  const ofNode: Stage = {
    instructions: 'Choose a node: it hands its work over and stops.',
    fields: async () => {
      const names = (await view.nodes()).map(({ name }) => name)
      return [{ name: 'node', label: 'Node', type: 'list-single', options: choice(names) }]
    },
  }
  const act = (action: InstanceAction, name: string): AdHocCommand => ({
    ...{ node: `${action}-instance`, name, stages: [ofDomain, ofInstance] },
    run: async (by, values) => {
      const outcome = await operations.instance(by, action, values.domain ?? '', values.instance ?? '')
      return told(outcome, (state) => `${values.instance}: ${state}`)
    },
  })
  return [
    {
      ...{ node: 'list-nodes', name: 'List the nodes', stages: [] },
      run: async () => {
        const nodes = await view.nodes()
        const rows = nodes.map(({ name, state, version, senior, since, instances, load, memory }) => [
          ...[name, state, version, senior ? 'yes' : '', since, `${instances}`],
          ...[load === null ? '' : `${Math.round(load * 100)} %`, memory === null ? '' : `${memory}`],
        ])
        return table(['Node', 'State', 'Version', 'Senior', 'Since', 'Instances', 'Load', 'Memory'], rows)
      },
    },
    {
      ...{ node: 'list-domains', name: 'List the domains', stages: [] },
      run: () => {
        const rows = view.domains().map((shown) => {
          const dead = shown.buckets.filter(({ holder }) => holder === null).map(({ bucket }) => bucket)
          const connected = Object.values(shown.instances).reduce((sum, count) => sum + count, 0)
          const held = `${shown.held.stanzas}`
          return [shown.name, `${connected}`, `${shown.buckets.length}`, dead.join(' '), held, shown.link?.state ?? '']
        })
        return table(['Domain', 'Instances here', 'Buckets', 'Without holder', 'Held', 'Link'], rows)
      },
    },
    {
      ...{ node: 'list-instances', name: 'List the instances of a domain', stages: [ofDomain] },
      run: (_by, values) => {
        const instances = view.instances(values.domain ?? '')
        if (instances === undefined) return refused(notServed.detail)
        const rows = instances.map(({ name, state, node, bucket, delivered, unanswered, window }) => [
          ...[name, state, node, bucket === null ? '' : `${bucket}`],
          ...[`${delivered}`, `${unanswered}`, `${window.stanzas}`],
        ])
        return table(['Instance', 'State', 'Node', 'Bucket', 'Delivered', 'Unanswered', 'Unconfirmed'], rows)
      },
    },
    {
      ...{ node: 'explain', name: 'Explain where a stanza would go' },
      stages: [
        {
          instructions: 'Who sends to whom? Nothing is sent.',
          fields: async (values) => [
            ...(await ofDomain.fields(values)),
            { name: 'from', label: 'From', type: 'jid-single' },
            { name: 'to', label: 'To', type: 'jid-single' },
          ],
        },
      ],
      run: (_by, values) => {
        const explained = view.explain(values.domain ?? '', values.from ?? '', values.to ?? '')
        if (explained === undefined) return refused(notServed.detail)
        if ('problem' in explained) return refused(explained.problem)
        const { criterion, key, bucket, outcome, instance, node, because } = explained
        const row = [
          outcome,
          instance ?? '',
          node ?? '',
          criterion,
          key ?? '',
          bucket === null ? '' : `${bucket}`,
          because,
        ]
        return table(['Outcome', 'Instance', 'Node', 'Criterion', 'Key', 'Bucket', 'Because'], [row])
      },
    },
    act('drain', 'Drain an instance'),
    act('enable', 'Enable an instance that is being drained'),
    act('kick', 'Close an instance at once'),
    {
      ...{ node: 'quarantine', name: 'List the quarantined stanzas of a domain', stages: [ofDomain] },
      run: (by, values) => {
        const stanzas = view.quarantine(values.domain ?? '')
        const target = { domain: values.domain ?? '' }
        operations.noted(by, 'quarantine', target, stanzas === undefined ? notServed : { done: stanzas.length })
        if (stanzas === undefined) return refused(notServed.detail)
        const rows = stanzas.slice(-MOST_STANZAS).map(({ since, kind, from, to, id, stanza }) => {
          return [since, kind, from ?? '', to ?? '', id ?? '', stanza.slice(0, MOST_CHARACTERS)]
        })
        return table(['Since', 'Kind', 'From', 'To', 'Id', 'Stanza'], rows, stanzas.length)
      },
    },
    {
      ...{ node: 'clear-quarantine', name: 'Forget the quarantined stanzas of a domain', stages: [ofDomain] },
      run: (by, values) => told(operations.clearQuarantine(by, values.domain ?? ''), (done) => done),
    },
    {
      ...{ node: 'reload', name: 'Have every node read its configuration again', stages: [] },
      run: async (by) => told(await operations.reload(by), ({ nodes }) => `read by ${nodesOf(nodes)}`),
    },
    {
      ...{ node: 'drain-node', name: 'Drain and stop a node', stages: [ofNode] },
      run: async (by, values) => {
        return told(await operations.drainNode(by, values.node ?? ''), ({ nodes }) => `draining: ${nodesOf(nodes)}`)
      },
    },
  ]
}

function nodesOf(nodes: readonly { readonly node: string }[]): string {
  return nodes.map(({ node }) => node).join(', ')
}

function told<T>(outcome: Outcome<T>, say: (done: T) => string): CommandResult {
  return 'done' in outcome ? { note: { type: 'info', text: say(outcome.done) } } : refused(outcome.detail)
}

function refused(text: string): CommandResult {
  return { note: { type: 'error', text } }
}

function table(columns: readonly string[], rows: readonly (readonly string[])[], all = rows.length): CommandResult {
  const shown = rows.slice(-MOST_ROWS)
  const made = { table: { columns, rows: shown } }
  if (all === 0) return { ...made, note: { type: 'info', text: 'There are none.' } }
  return shown.length === all
    ? made
    : { ...made, note: { type: 'warn', text: `These are the last ${shown.length} of ${all}.` } }
}
