import { bytes, group, integer, seconds } from './kinds.ts'
import { Type } from './type.ts'

const optional = Type.Optional
const MiB = 1024 ** 2
const GiB = 1024 ** 3

/** How fast one stream is read; `of` says whose. */
export const shaper = (of: string) =>
  group(
    {
      rate: bytes(1024, GiB, { description: 'Bytes in a second.' }),
      burst: optional(
        bytes(1024, GiB, { description: 'Bytes at once after a quiet time. Absent: what `rate` gives in a second.' }),
      ),
    },
    { description: `How fast the stanzas ${of}, are read; TCP slows the sender down.` },
  )

export const limits = group(
  {
    stanza_bytes: bytes(10_000, 64 * MiB, {
      default: '512KiB',
      description: 'Bytes of one stanza (RFC 6120 §13.12 allows no less than 10000).',
    }),
    depth: integer(4, 1000, { default: 128, description: 'Nesting of one stanza.' }),
    elements: integer(16, 1_000_000, { default: 10_000, description: 'Elements of one stanza.' }),
    attributes: integer(8, 4096, { default: 128, description: 'Attributes of one element.' }),
    namespaces: integer(4, 4096, {
      default: 64,
      description: 'Namespace declarations in force at once in one stanza.',
    }),
    unauthenticated: integer(1, 1_000_000, {
      default: 1024,
      description: 'Connections before their handshake, in all.',
    }),
    unauthenticated_per_address: integer(1, 1_000_000, { default: 32, description: 'The same, from one address.' }),
    handshake_seconds: seconds(0.01, 300, { default: 10, description: 'From accept to the end of the handshake.' }),
    handshake_bytes: bytes(512, MiB, { default: '8KiB', description: 'Bytes from a peer before its handshake.' }),
    connections: integer(1, 1_000_000, { default: 20_000, description: 'Connections in all.' }),
    accepts_per_second: integer(1, 1_000_000, {
      default: 1000,
      description: 'New connections in a second, in all; ten times that at once after a quiet time. More are closed.',
    }),
    memory_bytes: optional(
      bytes(64 * MiB, 1024 * GiB, {
        description:
          'Resident memory. Above 80 % of it no new connections, above all of it who sends is read a fifth of the time. Absent: no bound.',
      }),
    ),
    outbox_bytes: bytes(4096, GiB, {
      default: '1MiB',
      description: 'The soft mark: above it the sources that feed a socket pause.',
    }),
    stalled_after_seconds: seconds(0.01, 600, {
      default: 2,
      description: 'A peer above the mark that accepts nothing for so long is stalled: its stanzas are held.',
    }),
    close_stalled_after_seconds: seconds(0.01, 3600, {
      default: 30,
      description: 'A stalled peer is closed after so long, and its queue re-routed.',
    }),
  },
  { default: {}, description: 'Bounds on everything that a peer can make us keep.' },
)
