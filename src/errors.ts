/** What the process exits with. */
export const exitCodes = { done: 0, badInput: 1, usage: 2, bug: 70 } as const
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Every error that ends a command, and what it exits with. Stanza and stream errors are no part of this: they end less. */
export const errorCodes = {
  'config-unreadable': {
    exitCode: exitCodes.badInput,
    means: 'the configuration file, or a file that it names, cannot be read',
  },
  'config-refused': {
    exitCode: exitCodes.badInput,
    means: 'the configuration has problems; each is listed with its line',
  },
  'input-refused': {
    exitCode: exitCodes.badInput,
    means: 'what a command read (an address, a line of standard input) is not valid',
  },
  'listen-failed': {
    exitCode: exitCodes.badInput,
    means: 'an address and port of the configuration cannot be listened on',
  },
  'cluster-refused': {
    exitCode: exitCodes.badInput,
    means: 'the node cannot join its cluster: Redis cannot be reached or used, or another node has its name',
  },
  usage: { exitCode: exitCodes.usage, means: 'an unknown command or option, or a missing argument' },
  bug: { exitCode: exitCodes.bug, means: 'a state that Switchyard should never be in; please report it' },
} as const satisfies Record<string, { readonly exitCode: ExitCode; readonly means: string }>
export type ErrorCode = keyof typeof errorCodes

/** An error that ends the command with its exit code. `message` is for people and holds no secret. */
export class SwitchyardError extends Error {
  override readonly name = 'SwitchyardError'
  readonly code: ErrorCode
  readonly exitCode: ExitCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.exitCode = errorCodes[code].exitCode
  }
}

/** What was thrown, as an error that has an exit code: whatever is not ours was not foreseen, so it is a bug. */
export function asSwitchyardError(thrown: unknown): SwitchyardError {
  if (thrown instanceof SwitchyardError) return thrown
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  return new SwitchyardError('bug', message, { cause: thrown })
}
