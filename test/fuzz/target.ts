import type { Dice } from './generator.ts'

/** What is fuzzed: one entrance for bytes of others. */
export interface Target {
  /** How its corpus is kept: `text` as the input is, `hex` as digits. */
  readonly form: 'text' | 'hex'
  /** Pieces of the format, in latin1, for who changes inputs. */
  readonly tokens: readonly string[]
  readonly mostBytes: number
  /** An input made by a grammar, where there is one. */
  readonly fresh?: (dice: Dice) => Buffer
  /**
   * Throws where a property does not hold. Says in a few words what became of the input: what has not been said before is
   * progress, too. A promise is a judgement that comes later: it is not waited for before the next input.
   */
  run(input: Buffer): string | Promise<string>
  /** Each input is waited for before the next: its time is that until the judgement. */
  readonly isSequential?: boolean
  close?(): Promise<void>
}

export type MakeTarget = () => Target | Promise<Target>

/** The first words of an explanation, without what differs from input to input: names, numbers, quotations. */
export function words(text: string): string {
  const plain = text
    .replace(/(["'`]).*?\1/gs, 'Q')
    .replace(/byte 0x\w+|(?<=prefix )\S+/g, 'Q')
    .replace(/\d+/g, '0')
  return plain.split(' ', 5).join(' ')
}
