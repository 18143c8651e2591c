import type { Incarnation } from './cluster-store.ts'
import type { Draft } from './draft.ts'
import { withoutInstances } from './instance-wishes.ts'
import { type EstateRecord, fieldOf, NEW_STORE, type NodeFacts, type NodeRecord, SEEDED_FIELD } from './records.ts'

/** A node joins: its epoch of joining is the one that this is committed at. */
export function announceNode(draft: Draft, node: Incarnation, facts: NodeFacts): void {
  const record: NodeRecord = { ...facts, joined: draft.epoch }
  if (draft.epoch === 1) draft.write(new Map([[SEEDED_FIELD, NEW_STORE]]))
  draft.write(
    new Map([
      [fieldOf.node(node), JSON.stringify(record)],
      [fieldOf.name(facts.name), node],
    ]),
  )
}

/** More than nodes is written into a table. */
export function noteUse(draft: Draft): void {
  if (draft.table.isNew) draft.write(new Map([[SEEDED_FIELD, null]]))
}

/** A member says something else of itself. What it does not name stays as it is. */
export function updateNode(draft: Draft, node: Incarnation, facts: Partial<NodeFacts>): void {
  const old = draft.table.nodes.get(node)
  if (old === undefined) return
  draft.write(new Map([[fieldOf.node(node), JSON.stringify({ ...old, ...facts })]]))
}

/**
 * Nodes are dead: all that they had goes to whoever is next, their inboxes to `heir`, and the links with them: what comes
 * by a link is in order only behind what its last holder had read.
 */
export function bury(draft: Draft, dead: readonly Incarnation[], heir: Incarnation): void {
  const members = dead.filter((node) => draft.table.nodes.has(node))
  const estates = members.map((node) => estateOf(draft, node, heir))
  const links = [...draft.table.domains.values()].filter(({ link }) => link !== undefined && members.includes(link))
  removeNodes(draft, members)
  draft.write(new Map([...estates, ...links.map(({ name }): [string, string] => [fieldOf.link(name), heir])]))
  claimEstates(draft, heir)
}

/** A member leaves in order; with `estate` something is still in its inbox, and the senior is to see to it. */
export function leaveNode(draft: Draft, node: Incarnation, { estate }: { readonly estate: boolean }): void {
  if (!draft.table.nodes.has(node)) return
  const left = estateOf(draft, node, null)
  removeNodes(draft, [node])
  if (estate) draft.write(new Map([left]))
}

/** Takes every estate that nobody has who lives. */
export function claimEstates(draft: Draft, heir: Incarnation): void {
  const delta = new Map<string, string>()
  for (const [node, { name }] of unclaimedEstates(draft)) {
    delta.set(fieldOf.estate(node), JSON.stringify({ name, heir } satisfies EstateRecord))
  }
  if (delta.size > 0) draft.write(delta)
}

function unclaimedEstates(draft: Draft): [Incarnation, EstateRecord][] {
  const { estates, nodes } = draft.table
  return [...estates].filter(([, { heir }]) => heir === null || !nodes.has(heir))
}

/** What a dead node had read has been handed out: what its next life reads is not to overtake it any more. */
export function noteEstateRead(draft: Draft, node: Incarnation, heir: Incarnation): void {
  const estate = draft.table.estates.get(node)
  if (estate?.heir !== heir || estate.isRead) return
  draft.write(new Map([[fieldOf.estate(node), JSON.stringify({ ...estate, isRead: true } satisfies EstateRecord)]]))
}

/** Nothing is left in an inbox: its heir is done with it. */
export function closeEstate(draft: Draft, node: Incarnation, heir: Incarnation): void {
  if (draft.table.estates.get(node)?.heir === heir) draft.write(new Map([[fieldOf.estate(node), null]]))
}

function estateOf(draft: Draft, node: Incarnation, heir: Incarnation | null): [string, string] {
  const name = draft.table.nodes.get(node)?.name ?? ''
  return [fieldOf.estate(node), JSON.stringify({ name, heir } satisfies EstateRecord)]
}

function removeNodes(draft: Draft, nodes: readonly Incarnation[]): void {
  if (nodes.length === 0) return
  const { table } = draft
  const gone = new Set(nodes)
  const delta = new Map<string, string | null>()
  for (const node of nodes) {
    delta.set(fieldOf.node(node), null)
    const name = table.nodes.get(node)?.name
    if (name !== undefined && table.names.get(name) === node) delta.set(fieldOf.name(name), null)
  }
  for (const domain of table.domains.values()) {
    if (domain.link !== undefined && gone.has(domain.link)) delta.set(fieldOf.link(domain.name), null)
    const names: string[] = []
    for (const [name, { node }] of domain.instances) if (gone.has(node)) names.push(name)
    for (const [field, text] of withoutInstances(domain, names)) delta.set(field, text)
  }
  draft.write(delta)
}
