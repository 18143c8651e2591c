export type Environment = Readonly<Record<string, string | undefined>>

export interface Expanded {
  readonly text: string
  /** What is wrong with the references, for people. */
  readonly faults: readonly string[]
  /** Something was put in, so the text may hold a secret. */
  readonly changed: boolean
}

/**
 * Replaces `${NAME}` by the environment's value; `$${NAME}` stands for `${NAME}` itself. What is put in is not looked
 * at again. A reference that cannot be replaced stays as it is and is a fault.
 */
export function expand(text: string, environment: Environment): Expanded {
  const faults: string[] = []
  let changed = false
  const result = text.replace(/\$(\$?)\{([^}]*)(\}?)/g, (whole, escaped: string, name: string, closing: string) => {
    if (escaped !== '') return whole.slice(1)
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    if (closing === '' || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      // The text may be a secret that happens to hold `${`: it is not shown.
      faults.push('has a "${" that starts no reference to a variable; write "$${" where you mean the characters')
    } else if (value === undefined) {
      faults.push(`the environment variable ${name} is not set`)
    } else {
      changed = true
      return value
    }
    return whole
  })
  return { text: result, faults, changed }
}
