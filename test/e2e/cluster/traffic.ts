import assert from 'node:assert/strict'
import { bucketOf } from '../../../balancing/buckets.ts'
import { hashText } from '../../../balancing/hash.ts'
import type { RawInstance, Stanza } from '../../stub/raw-instance.ts'
import { type Settings, until } from './yard.ts'

/** Whom the stanzas are for, and who sends them: a component of another domain, with many JIDs. */
export const BOT = 'bot.localhost'
export const USERS = 'users.localhost'

/** JIDs of USERS whose `bare_source` falls into the bucket, or into any. */
export function usersOf(buckets: number, bucket?: number, count = 10): readonly string[] {
  const found: string[] = []
  for (let n = 0; found.length < count; n++) {
    const jid = `user${n}@${USERS}`
    if (bucket === undefined || bucketOf(hashText(jid), buckets) === bucket) found.push(jid)
  }
  return found
}

/** Numbered messages from some users in turn, and where they came to. */
export class Traffic {
  readonly users: readonly string[]
  /** Ids of all that were sent, in order. */
  readonly sent: string[] = []
  readonly #prefix: string

  /** @param name of its ids, where there is more than one traffic */
  constructor(users: readonly string[], name = '') {
    this.users = users
    this.#prefix = `m${name}`
  }

  /** The next `count` messages, from one user after the other. */
  next(count: number): string {
    let text = ''
    for (let n = 0; n < count; n++) {
      const number = this.sent.length
      const user = this.users[number % this.users.length]!
      const id = `${this.#prefix}${number}`
      text += `<message from='${user}/x' to='${BOT}' id='${id}'><body>number ${number}</body></message>`
      this.sent.push(id)
    }
    return text
  }

  send(sender: { send(xml: string): void }, count: number): void {
    sender.send(this.next(count))
  }

  /** Those of all instances, in the order of `instances` and then of their coming. */
  came(instances: readonly RawInstance[]): readonly Stanza[] {
    return instances.flatMap(({ stanzas }) => stanzas.filter((stanza) => this.#isOurs(stanza)))
  }

  /** Resolves when each has come to one of the instances, at least once. */
  async delivered(instances: readonly RawInstance[]): Promise<void> {
    try {
      await until('all are delivered', () => this.missing(instances).length === 0)
    } catch (error) {
      const missing = this.missing(instances)
      assert.fail(`${missing.length} of ${this.sent.length} never came: ${missing.slice(0, 20)} (${error})`)
    }
  }

  missing(instances: readonly RawInstance[]): readonly string[] {
    const seen = new Set(this.came(instances).map(({ id }) => id))
    return this.sent.filter((id) => !seen.has(id))
  }

  /** Delivers each, and none of them twice, in order of each user. */
  async deliveredOnce(instances: readonly RawInstance[]): Promise<void> {
    await this.delivered(instances)
    assert.deepEqual(this.doubles(instances), [])
    this.assertOrder(instances)
  }

  doubles(instances: readonly RawInstance[]): readonly string[] {
    const seen = new Set<string>()
    return this.came(instances)
      .map(({ id }) => id)
      .filter((id) => seen.size === seen.add(id).size)
  }

  /**
   * In order of each user: who has his later ones follows, in `instances`, who had the earlier. One that came again does
   * not count.
   */
  assertOrder(instances: readonly RawInstance[]): void {
    const last = new Map<string, number>()
    const seen = new Set<string>()
    for (const { from, id } of this.came(instances)) {
      if (seen.size === seen.add(id).size) continue
      const number = Number(id.slice(this.#prefix.length))
      assert.ok((last.get(from) ?? -1) < number, `${from}: ${id} after number ${last.get(from)}`)
      last.set(from, number)
    }
  }

  #isOurs({ name, type, id }: Stanza): boolean {
    return (
      name === 'message' &&
      type !== 'error' &&
      id.startsWith(this.#prefix) &&
      /^\d+$/.test(id.slice(this.#prefix.length))
    )
  }
}

/** Answers every request that comes to the instance, with its name in the answer. */
export async function answerRequests(instance: RawInstance, name: string): Promise<void> {
  for (let looked = 0; !instance.socket.destroyed; await instance.more()) {
    for (; looked < instance.stanzas.length; looked++) {
      const { name: kind, type, id, from, to } = instance.stanzas[looked]!
      if (kind !== 'iq' || (type !== 'get' && type !== 'set')) continue
      instance.send(`<iq type='result' from='${to}' to='${from}' id='${id}'><by xmlns='urn:x'>${name}</by></iq>`)
    }
  }
}

/** A request of a user. */
export function request(from: string, id: string, type: 'get' | 'set' = 'get'): string {
  return `<iq type='${type}' from='${from}/x' to='${BOT}' id='${id}'><who xmlns='urn:x'/></iq>`
}

/** Named instances, each with its name as its secret; with a number, a bucket of its own. */
export function named(...names: readonly (string | readonly [name: string, bucket: number])[]): Settings {
  return Object.fromEntries(
    names.map((entry) => {
      const [name, bucket] = typeof entry === 'string' ? [entry] : entry
      return [name, { secret: name, ...(bucket !== undefined && { bucket }) }]
    }),
  )
}

/** BOT, with whatever instances, and USERS, whose instances share a secret. */
export function settings(bot: Settings, balancing?: Settings, more: Settings = {}): Settings {
  return {
    domains: { [BOT]: bot, [USERS]: { secret: USERS } },
    domain_balancing: balancing === undefined ? {} : { [BOT]: balancing },
    ...more,
  }
}

/** `bare_source` in two buckets: `left` is at home in the first, `right` in the second, `spare` in none. */
export const twoBuckets: Settings = { type: 'bare_source', component_number: 2 }
export const leftAndRight: Settings = { instances: named(['left', 0], ['right', 1], 'spare') }
export const leftUsers = usersOf(2, 0)
export const rightUsers = usersOf(2, 1)
