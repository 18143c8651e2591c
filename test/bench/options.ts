import { parseArgs } from 'node:util'

/** What the cases are called, by their numbers. */
export const caseNames = {
  1: 'throughput',
  2: 'senders',
  3: 'latency',
  4: 'prosody',
  5: 'idle',
  6: 'growth',
  7: 'micro',
  8: 'across',
  9: 'delay',
  10: 'recovery',
} as const
export type CaseNumber = keyof typeof caseNames

export interface Options {
  /** Numbers of the cases to run. */
  readonly cases: readonly CaseNumber[]
  readonly rounds: number
  /** Of each measurement, after its warm-up. */
  readonly seconds: number
  /** Seconds to wait before each measurement, at most, for others on the machine to be done. */
  readonly patience: number
  readonly quick: boolean
  /** Contenders whose name begins with one of these; empty: all. */
  readonly only: readonly string[]
  readonly json: string | undefined
  readonly markdown: boolean
  /** Where the profiles of Switchyard go. */
  readonly profile: string | undefined
}

export const usage = `npm run bench -- [options]
  --case N[,N..]      only these cases, by number or name:
${listed()}
  --rounds N          rounds of each measurement (5; quick: 1)
  --seconds S         length of each measurement (3; quick: 1)
  --patience S        wait so long at most, before each measurement, for a quiet machine (0)
  --quick             one short round, fewer points
  --only NAME[,..]    only contenders whose names begin so: switchyard, ejabberd, jabberd2, prosody, relay, haproxy
  --json FILE         the results as JSON, too
  --markdown          the tables as Markdown
  --profile FOLDER    case 1 (or 8) with V8's CPU profiler in Switchyard; profiles go there, their top functions are printed`

const ALL = Object.keys(caseNames).map(Number) as readonly CaseNumber[]

/** Throws with a sentence for what cannot be understood. */
export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      case: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      patience: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  })
  const { quick, markdown, json, profile } = values
  const cases = list(values.case).map(caseOf)
  return {
    cases: cases.length > 0 ? cases : profile === undefined ? ALL : [1],
    rounds: Math.ceil(positive('--rounds', values.rounds ?? (quick ? '1' : '5'))),
    seconds: positive('--seconds', values.seconds ?? (quick ? '1' : '3')),
    patience: values.patience === undefined ? 0 : positive('--patience', values.patience),
    only: profile === undefined ? list(values.only) : ['switchyard'],
    ...{ quick, markdown, json, profile },
  }
}

function listed(): string {
  const pairs = Object.entries(caseNames).map(([number, name]) => `${number} ${name}`)
  return `                      ${pairs.join(', ')}`
}

function caseOf(text: string): CaseNumber {
  const found = ALL.find((number) => text === `${number}` || text === caseNames[number])
  if (found === undefined) throw new Error(`there is no case ${text}`)
  return found
}

function list(text: string | undefined): readonly string[] {
  return text === undefined ? [] : text.split(',').filter((part) => part !== '')
}

function positive(option: string, text: string): number {
  const number = Number(text)
  if (!(number > 0) || !Number.isFinite(number)) throw new Error(`${option} must be a positive number, not ${text}`)
  return number
}
