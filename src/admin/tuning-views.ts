import type { Static, TSchema } from '@sinclair/typebox'
import { balancing } from '../../config/schema.ts'
import { Type } from '../../config/type.ts'

const strict = { additionalProperties: false }
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const count = (description: string) => Type.Integer({ minimum: 0, description })
const amount = (description: string) => Type.Number({ minimum: 0, description })
const hash = () => Type.Integer({ minimum: 0, maximum: 0xffffffff })
const weight = () => amount('how many stanzas it stands for')

const SampleHead = {
  format: Type.Literal(1, { description: 'of this document' }),
  domain: Type.String(),
  since: Type.String({ description: 'ISO 8601, UTC' }),
  seconds: amount('how long stanzas were looked at'),
  nodes: Type.Array(Type.String(), { description: 'whose stanzas they are' }),
  silent: Type.Array(Type.String(), { description: 'nodes that did not answer, or could not take a sample' }),
  stanzas: count('that were balanced in that time'),
  kept: count('how many of those are in `items`: all, or as many as are kept, drawn at random'),
}

export const AddressItem = Type.Object({ from: Type.String(), to: Type.String(), weight: weight() }, strict)

export const HashItem = Type.Object(
  {
    hashes: Type.Object({ source: hash(), destination: hash(), bare_source: hash(), bare_destination: hash() }, strict),
    hasLocal: Type.Boolean({ description: 'whether `to` has a localpart' }),
    weight: weight(),
  },
  { ...strict, description: 'what each criterion would hash the key to (murmur3), instead of the addresses' },
)

/** A recorded sample: what `switchyard sample` prints, and `switchyard simulate` and the preview take. */
export const SampleView = Type.Object({ ...SampleHead, items: Type.Array(Type.Union([AddressItem, HashItem])) }, strict)
export type SampleView = Static<typeof SampleView>

export const SharesView = Type.Object({
  type: nullable(Type.String({ description: 'the criterion; null: random, local first' })),
  component_number: nullable(Type.Integer()),
  weight: amount('all stanzas that were shared out'),
  unassigned: amount('of those, the ones that meet no instance'),
  imbalance: amount('the greatest share over the mean one: 1 is even'),
  peak: amount('the greatest share: 0 to 1'),
  shares: Type.Array(
    Type.Object({
      bucket: nullable(Type.Integer()),
      instance: nullable(Type.String()),
      weight: weight(),
      share: amount('0 to 1'),
    }),
  ),
  hottest: Type.Array(
    Type.Object({
      key: Type.String({ description: 'the key, or `#` and its hash' }),
      weight: weight(),
      error: amount('by how much `weight` may be too high'),
      share: amount('0 to 1'),
      bucket: nullable(Type.Integer()),
      instance: nullable(Type.String()),
    }),
    { description: 'the 20 heaviest keys, heaviest first' },
  ),
})
export type SharesView = Static<typeof SharesView>

export const PreviewView = Type.Object({
  domain: Type.String(),
  sample: nullable(
    Type.Object(
      { ...SampleHead, hashed: Type.Boolean() },
      { description: 'what it was worked out from; null: `input`' },
    ),
  ),
  skipped: Type.Object(
    {
      elsewhere: count('to other domains'),
      replies: count('iq results and errors, which are not balanced'),
      malformed: count('not readable'),
    },
    { description: 'what of `input` was left out' },
  ),
  now: SharesView,
  proposed: SharesView,
  move: Type.Object({
    weight: amount('all stanzas'),
    moved: amount('stanzas that would meet another instance'),
    unpredictable: amount('stanzas that go anywhere, as one of the two is random'),
    keys: count('different keys'),
    movedKeys: count('keys with stanzas that would meet another instance'),
    keysComplete: Type.Boolean({ description: 'false: there were more keys than are told apart' }),
  }),
})
export type PreviewView = Static<typeof PreviewView>

/** How long a sample may take, in seconds. */
export const sampleSeconds = { minimum: 1, maximum: 600 } as const

export const SampleQuery = Type.Object(
  {
    // A query holds texts only, and nothing is coerced here.
    seconds: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,2}$', description: '1 to 600; 10 if absent' })),
    hashed: Type.Optional(Type.Union([Type.Literal('true'), Type.Literal('false')])),
  },
  strict,
)

export const PreviewBody = Type.Object(
  {
    balancing: Type.Union([withoutNotes(balancing), Type.Null()], {
      description: 'the proposed entry of `domain_balancing`; null: none',
    }),
    bare_domain: Type.Optional(
      Type.Union([Type.Literal('destination'), Type.Literal('source')], { description: 'as it is, if absent' }),
    ),
    seconds: Type.Optional(Type.Integer({ ...sampleSeconds, description: 'take a sample for so long' })),
    sample: Type.Optional(SampleView),
    input: Type.Optional(
      Type.String({ description: 'addresses, a stanza to a line, or stanzas, as `switchyard simulate` reads them' }),
    ),
  },
  { ...strict, description: 'with one of `seconds`, `sample` and `input`' },
)
export type PreviewBody = Static<typeof PreviewBody>

/** A kind of the configuration's, without what only its own messages need, and without defaults: what is proposed is said. */
function withoutNotes<T extends TSchema>(schema: T): T {
  const plain = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(plain)
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).filter(([key]) => !['expects', 'standIn', 'default'].includes(key))
    return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]))
  }
  return plain(schema) as T
}
