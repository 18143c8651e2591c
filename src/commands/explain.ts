import { explainPick } from '../../balancing/explain.ts'
import { policyFor } from '../../balancing/policy.ts'
import { type Terms, termsFor } from '../../balancing/terms.ts'
import type { Config, Domain } from '../../config/config.ts'
import { configDigest } from '../../config/digest.ts'
import type { LoadOptions } from '../../config/load.ts'
import { type ExitCode, exitCodes, SwitchyardError } from '../errors.ts'
import { keyText } from '../key.ts'
import { escapeForLog } from '../log.ts'
import { fullText } from '../xmpp/jid.ts'
import { typedJid } from './addresses.ts'
import { askNode } from './ask-node.ts'
import { configured } from './configured.ts'
import type { Given } from './given.ts'

/** What the command needs from the process. */
export interface ExplainIo extends Omit<LoadOptions, 'file'> {
  stdout(text: string): void
}

/** What `--json` prints: null where there is no such thing, or where only a running node knows. */
interface Answer {
  readonly from: string
  readonly to: string
  readonly domain: string
  /** Who says so: a running node, or the configuration alone. */
  readonly source: 'node' | 'config'
  /** Why it was asked of no node, or what came of that. */
  readonly note: string | null
  readonly criterion: string | null
  readonly key: string | null
  readonly bucket: number | null
  /** Deliver, hold or bounce, from a node. */
  readonly outcome: string | null
  readonly instance: string | null
  readonly node: string | null
  readonly because: readonly string[]
}

/** `switchyard explain`: what a stanza would meet. Throws `input-refused` for what is no JID, or not served. */
export async function explain(path: string, given: Given, io: ExplainIo): Promise<ExitCode> {
  const config = configured(path, io)
  const [from = '', to = ''] = given.args
  const answer = await answerFor(config, from, to, given.options.has('local'))
  io.stdout(given.options.has('json') ? `${JSON.stringify(answer)}\n` : text(answer))
  return exitCodes.done
}

/** The key is of what was typed: which normal form it has depends on the domain's hash. */
async function answerFor(config: Config, from: string, to: string, isLocal: boolean): Promise<Answer> {
  const target = typedJid('TO', to)
  const addresses = { from: fullText(typedJid('FROM', from)), to: fullText(target), domain: target.domain }
  if (target.domain === config.address) return { ...addresses, ...ownAddress(config) }
  const domain = servedDomain(config, target.domain)
  const asked = isLocal ? { note: 'no node was asked' } : await askNode(config.admin, domain.name, from, to)
  if (asked.answer !== undefined) {
    const { because, digest, ...rest } = asked.answer
    const differs = digest !== undefined && digest !== configDigest(domain)
    const note = differs ? `${asked.note}; ${otherFile}` : asked.note
    return { ...addresses, source: 'node', note, ...rest, because: because.split('; ') }
  }
  return { ...addresses, source: 'config', note: asked.note, ...fromConfig(domain, from, to) }
}

function servedDomain(config: Config, name: string): Domain {
  const domain = config.domains.get(name)
  if (domain !== undefined) return domain
  const served = [...config.domains.keys()].filter((served) => served !== config.address).join(', ')
  throw new SwitchyardError('input-refused', `TO: the domain ${name} is not served; served are: ${served}`)
}

const otherFile = 'its configuration of the domain is not that of the file: --local answers by the file'

type Found = Omit<Answer, 'from' | 'to' | 'domain' | 'source' | 'note'>

function ownAddress(config: Config): Omit<Answer, 'from' | 'to' | 'domain'> {
  return {
    ...{ source: 'config', note: null, criterion: null, key: null, bucket: null, instance: null, node: null },
    outcome: null,
    because: [`${config.address} is Switchyard's own address: whichever node reads the stanza answers it itself`],
  }
}

/** Without a node it is not known who is connected: an instance is named only if the configuration gives it the bucket. */
function fromConfig(domain: Domain, from: string, to: string): Found {
  const policy = policyFor(domain.balancing, domain.bare_domain, domain.hash)
  const named = [...(domain.instances ?? [])]
  const entitled = named.flatMap(([name, { bucket }]) => (bucket === undefined ? [] : [{ name, bucket }]))
  const terms = termsFor(domain)
  const canary = terms.canary === undefined ? [] : [{ name: terms.canary.instance }]
  const instances = policy.kind === 'buckets' ? [...entitled, ...canary] : named.map(([name]) => ({ name }))
  const explanation = explainPick({ policy, instances, terms }, from, to, keyText)
  if (explanation === undefined) throw new Error(`no key from ${from} to ${to}`)
  const { criterion, key, bucket, instance, why } = explanation
  // What `balance_factor` makes of it is to be seen, too, as far as the configuration tells.
  const isWhole = key === undefined || (terms.bound !== undefined && instance !== undefined)
  return {
    ...{ criterion, key: key ?? null, bucket: bucket ?? null, outcome: null, node: null },
    // Among all names somebody wins, but which of them are connected nobody knows.
    instance: policy.kind === 'buckets' ? (instance ?? null) : null,
    because: isCanary(terms, instance)
      ? [...why, 'if it is connected; which instances are, only a running node knows']
      : [...(isWhole ? why : why.slice(0, -1)), placeWithoutNode(policy.kind, instance)],
  }
}

const isCanary = ({ canary }: Terms, instance: string | undefined): boolean =>
  canary !== undefined && canary.instance === instance

function placeWithoutNode(kind: ReturnType<typeof policyFor>['kind'], instance: string | undefined): string {
  if (kind === 'random' || kind === 'local_random') return 'which instances are connected only a running node knows'
  if (instance === undefined) {
    return `which instance ${kind === 'buckets' ? 'holds it' : 'has its highest score'} only a running node knows`
  }
  return kind === 'buckets'
    ? `the configuration gives it to ${instance}, as long as that one is connected`
    : `if all instances of the configuration are connected, it is ${instance}'s`
}

const answeredBy = { node: 'a running node', config: 'the configuration alone' } as const

function text(answer: Answer): string {
  const unknown = answer.source === 'config' ? 'known only to a running node' : 'none'
  const isBalanced = answer.criterion !== null
  const rows: readonly (readonly [string, string | number | null])[] = [
    ['from', answer.from],
    ['to', answer.to],
    ['criterion', answer.criterion],
    ['key', answer.key],
    ['bucket', answer.bucket],
    ['outcome', answer.outcome],
    ['instance', answer.instance ?? (isBalanced ? unknown : null)],
    ['node', answer.node],
    ...answer.because.map((reason, index): readonly [string, string] => [index === 0 ? 'because' : '', reason]),
    ['says', `${answeredBy[answer.source]}${answer.note === null ? '' : `; ${answer.note}`}`],
  ]
  return rows
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.padEnd(10)} ${escapeForLog(String(value))}\n`)
    .join('')
}
