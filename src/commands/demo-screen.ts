import type { Tally } from './demo-ledger.ts'

/** One instance as it is now. */
export interface Row {
  readonly name: string
  /** As the node sees it; `dead` when the node does not. */
  readonly state: string
  readonly bucket: number
  /** Stanzas that it has read since the demo began, and in the last second. */
  readonly read: number
  readonly rate: number
}

export interface Frame {
  readonly seconds: number
  /** When the traffic ends; undefined: when somebody ends it. */
  readonly until: number | undefined
  readonly rows: readonly Row[]
  readonly held: number
  readonly tally: Tally
}

export interface ScreenIo {
  readonly isTerminal: boolean
  columns(): number
  stdout(text: string): void
}

/** What there is to see now: in a line, and as a table. */
export interface Drawing {
  line(): string
  table(): readonly string[]
}

/** As many characters as a bar has for the fastest instance. */
const BAR = 24

/** The demo's output: on a terminal a table that is redrawn below what has happened, otherwise a line at a time. */
export class Screen {
  readonly #io: ScreenIo
  /** Lines of the table that stand at the cursor. */
  #drawn = 0

  constructor(io: ScreenIo) {
    this.#io = io
  }

  /** How often `show` wants to be called, in milliseconds. */
  get interval(): number {
    return this.#io.isTerminal ? 250 : 1000
  }

  show(frame: Frame): void {
    this.draw({ line: () => line(frame), table: () => table(frame) })
  }

  draw({ line, table }: Drawing): void {
    if (!this.#io.isTerminal) return this.#io.stdout(`${line()}\n`)
    const width = this.#io.columns() - 1
    const lines = table().map((text) => text.slice(0, Math.max(width, 1)))
    this.#io.stdout(`${this.#erase()}${lines.join('\n')}\n`)
    this.#drawn = lines.length
  }

  /** Something has happened: a line that stays. */
  say(text: string): void {
    this.#io.stdout(`${this.#erase()}${text}\n`)
  }

  /** Moves the cursor to where the table begins, and clears from there on. */
  #erase(): string {
    const lines = this.#drawn
    this.#drawn = 0
    return lines === 0 ? '' : `\u001b[${lines}A\r\u001b[J`
  }
}

export const clockText = (seconds: number): string => `${seconds.toFixed(1).padStart(5)} s `

function line({ seconds, rows, held, tally }: Frame): string {
  const rates = rows.map(({ name, state, rate }) => `${name} ${state === 'active' ? `${rate}/s` : state}`)
  const counts = `sent ${tally.sent}  answered ${tally.answered}  bounced ${tally.bounced}  waiting ${held}`
  return `${clockText(seconds)} ${rates.map((rate) => rate.padEnd(11)).join('  ')}  ${counts}`
}

function table({ seconds, until, rows, held, tally }: Frame): readonly string[] {
  const fastest = Math.max(1, ...rows.map(({ rate }) => rate))
  const drawn = rows.map(({ name, state, bucket, read, rate }) => {
    const cells = [name.padEnd(10), state.padEnd(9), String(bucket).padStart(6), String(read).padStart(9)]
    return `  ${cells.join('')}${String(rate).padStart(10)}  ${'#'.repeat(Math.round((rate / fastest) * BAR))}`
  })
  const end = until === undefined ? 'Ctrl-C ends it' : `of ${until} s`
  return [
    '',
    `  instance  state    bucket  stanzas  a second        ${seconds.toFixed(1)} s, ${end}`,
    ...drawn,
    '',
    `  waiting for an instance, or for it to confirm: ${held}`,
    `  sent ${tally.sent}   answered ${tally.answered}   bounced ${tally.bounced}   on their way ${tally.waiting}`,
  ]
}
