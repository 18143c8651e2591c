import type { StreamCondition } from '../../src/xmpp/stream-error.ts'

/**
 * Where in a stream the bytes stand: at a listener from the first byte on (`header`), behind the header (`handshake`) or from
 * an instance that has been let in (`instance`); on a link the same from the server.
 */
export const places = ['header', 'handshake', 'instance', 'link-header', 'link-handshake', 'link'] as const
export type Place = (typeof places)[number]

/**
 * What Switchyard makes of the bytes. A condition of RFC 6120 §4.9.3: this stream error, and nothing behind them is read.
 * `bad-request`: a stanza error to the sender, and the stream goes on. `passes`: all stanzas among them reach whom they are for,
 * and the stream goes on. `nothing`: nobody gets anything, and the stream goes on. `closes`: the stream ends in order. `waits`: they
 * are the beginning of something, so nothing happens yet.
 */
export type Answer = StreamCondition | 'bad-request' | 'passes' | 'nothing' | 'closes' | 'waits'

/** What expat makes of the stream up to here, as nothing but XML with namespaces. */
export type Expat = 'takes' | 'refuses'

export interface Case {
  readonly name: string
  readonly at: readonly Place[]
  readonly bytes: Buffer
  readonly answer: Answer
  readonly expat: Expat
  /** The clause that says so. */
  readonly source: string
  /** What goes out in place of `bytes`, where that is written anew. */
  readonly out?: Buffer
}

/** What a case has beside what its group says of all. */
export interface Row {
  readonly name: string
  readonly bytes: string | Buffer
  /** As the answer has it by default: see `usual`. */
  readonly expat?: Expat
  readonly answer?: Answer
  readonly source?: string
  readonly at?: readonly Place[]
  readonly out?: string
}

/** One rule, and what is to show it. */
export interface Group {
  readonly source: string
  readonly at: readonly Place[]
  readonly answer: Answer
  readonly rows: readonly Row[]
}

/** Expat refuses what is not well-formed, and knows no other rule. */
function usual(answer: Answer): Expat {
  return answer === 'not-well-formed' || answer === 'unsupported-encoding' ? 'refuses' : 'takes'
}

export function casesOf({ source, at, answer, rows }: Group): readonly Case[] {
  return rows.map((row) => {
    const own = row.answer ?? answer
    return {
      ...{ name: row.name, at: row.at ?? at, bytes: Buffer.from(row.bytes), answer: own },
      ...{ expat: row.expat ?? usual(own), source: row.source ?? source },
      ...(row.out === undefined ? {} : { out: Buffer.from(row.out) }),
    }
  })
}

/** The stream goes on behind these. */
export function goesOn({ answer }: Case): boolean {
  return answer === 'passes' || answer === 'bad-request' || answer === 'nothing'
}

/** The stream has ended with an error of ours. */
export function isError({ answer }: Case): boolean {
  return !goesOn({ answer } as Case) && answer !== 'closes' && answer !== 'waits'
}
