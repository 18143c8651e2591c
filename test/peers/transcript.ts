/** What a peer has reported, and those who wait for it to report something. */
export interface Transcript {
  readonly messages: readonly Message[]
  readonly add: (event: PeerEvent) => void
  /** The first event, past or to come, that matches. Rejects when none comes in time or the peer ends. */
  readonly wait: (match: (event: PeerEvent) => boolean) => Promise<PeerEvent>
  /** The nth (first) event of that name. */
  readonly waitFor: (name: string, nth?: number) => Promise<PeerEvent>
  readonly waitForMessage: (match: (message: Message) => boolean) => Promise<Message>
  readonly waitForMessages: (count: number) => Promise<readonly Message[]>
  /** No event will come any more. */
  readonly close: (reason: string) => void
}

export interface PeerEvent {
  readonly event: string
  readonly [field: string]: unknown
}

export interface Message {
  readonly from: string
  readonly to: string
  readonly id: string
  /** Empty where the stanza has none. */
  readonly type: string
  readonly body: string
  /** Of an error; else null. */
  readonly condition: string | null
}

interface Waiter {
  /** True once it has got what it waited for. */
  readonly look: () => boolean
  readonly fail: (reason: string) => void
}

/** Longer than any reply may take; only a test that fails waits as long. */
const WAIT_MS = 30_000

export function makeTranscript(): Transcript {
  const events: PeerEvent[] = []
  const messages: Message[] = []
  const waiters = new Set<Waiter>()
  let closed: string | undefined

  const until = <T>(find: () => T | undefined, what: string): Promise<T> =>
    new Promise((resolve, reject) => {
      const end = (waiter: Waiter) => {
        clearTimeout(timer)
        waiters.delete(waiter)
      }
      const waiter: Waiter = {
        look: () => {
          const found = find()
          if (found === undefined) return false
          end(waiter)
          resolve(found)
          return true
        },
        fail: (reason) => {
          end(waiter)
          reject(new Error(`${what} did not come: ${reason}`))
        },
      }
      const timer = setTimeout(() => waiter.fail(`waited ${WAIT_MS} ms`), WAIT_MS)
      waiters.add(waiter)
      if (!waiter.look() && closed !== undefined) waiter.fail(closed)
    })

  return {
    messages,
    add: (event) => {
      if (event.event === 'message') messages.push(toMessage(event))
      else events.push(event)
      for (const waiter of [...waiters]) waiter.look()
    },
    wait: (match) => until(() => events.find(match), 'an event'),
    waitFor: (name, nth = 1) => until(() => events.filter((event) => event.event === name)[nth - 1], `${name} ${nth}`),
    waitForMessage: (match) => until(() => messages.find(match), 'a message'),
    waitForMessages: (count) => until(() => (messages.length >= count ? messages : undefined), `message ${count}`),
    close: (reason) => {
      closed = reason
      for (const waiter of [...waiters]) waiter.fail(reason)
    },
  }
}

function toMessage(event: PeerEvent): Message {
  const { from, to, id, type, body, condition } = event
  return {
    ...{ from: `${from}`, to: `${to}`, id: `${id}`, type: `${type}`, body: `${body}` },
    condition: typeof condition === 'string' ? condition : null,
  }
}
