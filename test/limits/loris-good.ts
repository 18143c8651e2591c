import { parseArgs } from 'node:util'
import { RawInstance } from '../stub/raw-instance.ts'

// The ten good instances of loris.ts: five send to five others, so many stanzas in a second. Says `ready`, then answers each message
// with what has come since the one before; with `end` no more is sent, and all that is to come is waited for.

const PAIRS = 5
const BURST_MILLISECONDS = 5
const PATIENCE_MILLISECONDS = 10_000

const { values } = parseArgs({ options: { port: { type: 'string' }, rate: { type: 'string' } } })
const port = Number(values.port)
const perBurst = (Number(values.rate) * BURST_MILLISECONDS) / 1000
const join = (domain: string) => RawInstance.connect({ port, domain, secret: 'swordfish' })
const senders = await Promise.all(Array.from({ length: PAIRS }, () => join('a.test')))
const receivers = await Promise.all(Array.from({ length: PAIRS }, () => join('b.test')))

let sent = 0
let received = 0
let doubled = 0
const seen = new Set<number>()
let latencies: number[] = []
for (const receiver of receivers) {
  receiver.onStanza = ({ id }) => {
    const [, number, at] = /^m(\d+)-([\d.]+)$/.exec(id) ?? []
    if (number === undefined || at === undefined) return
    if (seen.has(Number(number))) doubled++
    seen.add(Number(number))
    received++
    latencies.push(performance.now() - Number(at))
    receiver.stanzas.length = 0
  }
}

const body = 'x'.repeat(200)
let begun = performance.now()
let owed = 0
const sending = setInterval(() => {
  const now = performance.now()
  owed += ((now - begun) / BURST_MILLISECONDS) * perBurst
  begun = now
  for (; owed >= 1; owed--) {
    const number = sent++
    const id = `m${number}-${performance.now().toFixed(3)}`
    const sender = senders[number % PAIRS]!
    sender.send(`<message from='a.test' to='u${number % 1000}@b.test' id='${id}'><body>${body}</body></message>`)
  }
}, BURST_MILLISECONDS)

function told() {
  const sorted = latencies.sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  latencies = []
  return { sent, received, doubled, samples: sorted.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) }
}

process.on('message', async (message) => {
  if (message === 'end') {
    clearInterval(sending)
    const deadline = performance.now() + PATIENCE_MILLISECONDS
    while (received < sent && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
  }
  process.send?.(told())
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
