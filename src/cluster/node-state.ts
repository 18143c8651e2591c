import type { Incarnation } from './cluster-store.ts'

/** What a node answers to the task `state`: what it has itself, and what its own snapshot of the table says. */
export interface NodeState {
  readonly name: string
  readonly incarnation: Incarnation
  readonly version: string
  /** Of its snapshot. */
  readonly epoch: number
  /** How it reaches the store: `up`, `refused` or `silent`. */
  readonly reach: string
  /** Its lease is valid. */
  readonly isHeld: boolean
  readonly domains: Readonly<Record<string, DomainState>>
}

export interface DomainState {
  /** `configDigest` of the domain's configuration. */
  readonly digest: string
  /** Connected to this node, by name. */
  readonly instances: Readonly<Record<string, ConnectedState>>
  /** By its snapshot: which node each instance of the domain is connected to. */
  readonly nodes: Readonly<Record<string, Incarnation>>
  /** By its snapshot: who holds each bucket; empty for a domain without. */
  readonly holders: readonly (string | null)[]
  /** Whether one node holds the link, or each has its own; `none` without an upstream. */
  readonly links: 'one' | 'each' | 'none'
  /** By its snapshot: who holds the one link. */
  readonly linkHolder: Incarnation | null
  /** It dials the server, or is connected to it. */
  readonly hasLink: boolean
}

export interface ConnectedState {
  /** What the tokens of its requests begin with. */
  readonly route: string
  readonly bucket: number | null
  /** One of `instanceStates`. */
  readonly state: string
}

/** A node's answer as a state; undefined when it is none, as of a node of another release. */
export function nodeStateOf(answer: unknown): NodeState | undefined {
  return isRecord(answer) && isState(answer) ? (answer as unknown as NodeState) : undefined
}

type Fields = Readonly<Record<string, unknown>>

/** A plain object of JSON. */
export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isTextOrNull = (value: unknown): boolean => value === null || isText(value)
const all = (value: unknown, is: (item: unknown) => boolean): boolean =>
  isRecord(value) && Object.values(value).every(is)

function isState({ name, incarnation, version, epoch, reach, isHeld, domains }: Fields): boolean {
  const texts = [name, incarnation, version, reach]
  const rest = Number.isSafeInteger(epoch) && typeof isHeld === 'boolean'
  return texts.every(isText) && rest && all(domains, (domain) => isRecord(domain) && isDomain(domain))
}

function isDomain({ digest, instances, nodes, holders, links, linkHolder, hasLink }: Fields): boolean {
  const isLinked = links === 'one' || links === 'each' || links === 'none'
  const isTable = all(nodes, isText) && Array.isArray(holders) && holders.every(isTextOrNull)
  const isConnected = all(instances, (instance) => isRecord(instance) && isInstance(instance))
  return (
    isText(digest) && isConnected && isTable && isLinked && isTextOrNull(linkHolder) && typeof hasLink === 'boolean'
  )
}

function isInstance({ route, bucket, state }: Fields): boolean {
  return isText(route) && isText(state) && (bucket === null || Number.isSafeInteger(bucket))
}
