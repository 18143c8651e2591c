import { readCertificates } from './certificates.ts'
import type { Instance } from './config.ts'
import type { Context } from './context.ts'
import { frozenMap } from './frozen.ts'
import type { Path } from './problems.ts'
import type { RawDomain, RawInstance } from './schema.ts'

/** Where a secret may be written; which of the keys there are depends on the place. */
interface Written {
  readonly secret?: string
  readonly secrets?: readonly string[]
  readonly secret_file?: string
  readonly instances?: unknown
  /** They stand for a secret, or beside one. */
  readonly certificates?: readonly string[]
}

const keys = ['secret', 'secrets', 'secret_file', 'instances'] as const
type Key = (typeof keys)[number]

/** Which one of the keys is written; undefined, and reported where no certificate stands for it, when none is; reported when several are. */
export function chosenKey(at: Path, written: Written, allowed: readonly Key[], context: Context): Key | undefined {
  const present = keys.filter((key) => written[key] !== undefined)
  const [first, second] = present
  if (first === undefined && written.certificates !== undefined) return undefined
  if (first === undefined) {
    const because = keys.map((key) => [...at, key])
    context.report(at, `needs one of ${allowed.join(', ')}`, 'key', because)
  } else if (second !== undefined) {
    context.report([...at, second], `cannot stand beside ${first}: give one of them`, 'key')
  }
  return first
}

/** The accepted secrets of a domain, an instance or a link; empty when they could not be had, which is reported. */
export function readSecrets(at: Path, written: Written, context: Context): readonly string[] {
  if (written.secret !== undefined) return [written.secret]
  if (written.secrets !== undefined) return written.secrets
  const text =
    written.secret_file === undefined ? undefined : readSecretFile([...at, 'secret_file'], written.secret_file, context)
  return text === undefined ? [] : [text]
}

/** A secret that is alone in its file, without the newline that editors put at the end. */
export function readSecretFile(at: Path, file: string, context: Context): string | undefined {
  const text = context.readFile(at, file)?.replace(/\r?\n$/, '')
  if (text === '') context.report(at, 'names a file without a secret in it')
  return text === '' ? undefined : text
}

/** The named instances of a domain. The secret says which one connects, so no two may have the same. */
export function readInstances(
  at: Path,
  written: NonNullable<RawDomain['instances']>,
  context: Context,
): ReadonlyMap<string, Instance> {
  const owners = new Map<string, string>()
  const instances = new Map<string, Instance>()
  for (const [name, instance] of Object.entries(written)) {
    const path = [...at, name]
    const key = chosenKey(path, instance, ['secret', 'secrets', 'secret_file'], context)
    const secrets = readSecrets(path, instance, context)
    for (const [index, secret] of secrets.entries()) {
      const owner = owners.get(secret)
      const place = key === 'secrets' ? [...path, key, index] : [...path, key ?? 'secret']
      if (owner !== undefined && owner !== name)
        context.report(place, `is also the secret of ${owner}: the secret says which instance connects`)
      owners.set(secret, owner ?? name)
    }
    instances.set(name, { secrets, ...readCertificates(instance), ...shareOf(instance) })
  }
  if (instances.size === 0) context.report(at, 'must have at least one instance', 'key')
  return frozenMap(instances)
}

function shareOf({ bucket, weight }: RawInstance): Pick<Instance, 'bucket' | 'weight'> {
  return { ...(bucket === undefined ? {} : { bucket }), ...(weight === undefined ? {} : { weight }) }
}
