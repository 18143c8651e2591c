import { connect } from 'node:net'
import { parseArgs } from 'node:util'
import { startNode } from './node.ts'
import { welches } from './welch.ts'

// node --import tsx test/limits/timing.ts [--samples 100000] [--root CHECKOUT]
//
// Does the time until the answer say more than the answer? One connection after the other, of a kind that is drawn by lot:
// header and handshake in one piece, for a domain that is served and with a wrong secret, or for one that is not served; timed from
// there to the end of the stream. A third kind is the first one again: it shows what the method makes of no difference.

const { values } = parseArgs({ options: { samples: { type: 'string', default: '100000' }, root: { type: 'string' } } })
const samples = Number(values.samples)
const WARM_UP = 2000
/** How many there are of the third kind for each of the others together. */
const AGAIN = 0.25
const SHARES = [0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1]
/** Where a difference is taken to be there. */
const MOST = 4.5

const config = `
node: yard
listen: [{port: 0}]
domains: {served.test: {secret: swordfish}}
limits: {unauthenticated: 10000, unauthenticated_per_address: 10000}
admin: {port: 0}
`
const withoutRate = config.replace('limits: {', 'limits: {accepts_per_second: 1000000, ')

const digest = '0123456789abcdef0123456789abcdef01234567'
const opening = (to: string): Buffer =>
  Buffer.from(
    `<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='${to}'>` +
      `<handshake>${digest}</handshake>`,
  )
const kinds = [opening('served.test'), opening('absent.test'), opening('served.test')] as const

/** From the first byte to the end of the stream, in microseconds. */
function timed(port: number, bytes: Buffer, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    // Ports of one address would run out: each is of no use for a minute.
    const localAddress = `127.0.${1 + ((at >> 8) % 200)}.${1 + (at & 127)}`
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
    let since = 0n
    socket.once('connect', () => {
      since = process.hrtime.bigint()
      socket.write(bytes)
    })
    socket.once('end', () => {
      resolve(Number(process.hrtime.bigint() - since) / 1000)
      socket.destroy()
    })
    socket.once('error', reject)
    socket.resume()
  })
}

const node = await startNode(values.root === undefined ? withoutRate : config, values.root)
const found: [number[], number[], number[]] = [[], [], []]
try {
  for (let at = 0; at < WARM_UP + samples * (1 + AGAIN); at++) {
    const drawn = Math.random() * (1 + AGAIN)
    const kind = drawn < 0.5 ? 0 : drawn < 1 ? 1 : 2
    const microseconds = await timed(node.port, kinds[kind], at)
    if (at >= WARM_UP) found[kind].push(microseconds)
  }
} finally {
  await node.stop()
}

const [wrong, unknown, again] = found
let worst = 0
console.log('| the quickest | wrong secret, µs | unknown name, µs | t | t of the same twice |')
console.log('|---:|---:|---:|---:|---:|')
const same = welches(wrong, again, SHARES)
for (const [index, { share, t, means }] of welches(wrong, unknown, SHARES).entries()) {
  worst = Math.max(worst, Math.abs(t))
  const cells = [`${share * 100} %`, ...means.map((mean) => mean.toFixed(2)), t.toFixed(2), same[index]!.t.toFixed(2)]
  console.log(`| ${cells.join(' | ')} |`)
}
console.log(
  `\n${wrong.length + unknown.length} samples; the largest |t| is ${worst.toFixed(2)}, and is to be below ${MOST}`,
)
process.exitCode = worst < MOST ? 0 : 1
