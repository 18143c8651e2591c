import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'

// Whoever loris.ts sends: so many connections that are silent, or say one byte in a second, and come back when they are closed; and
// handshakes that are refused, so many in a second until there are enough. Says what it has, once a second; `done` with the last.

const PER_ADDRESS = 25
const DRIPS = 10
const TICK_MILLISECONDS = 10
const OPENING = `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='a.test'>`
const REFUSED = Buffer.from(`${OPENING}<handshake>${'0123456789'.repeat(4)}</handshake>`)

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    loris: { type: 'string' },
    refusals: { type: 'string' },
    rate: { type: 'string' },
  },
})
const port = Number(values.port)
const [loris, refusals, rate] = [Number(values.loris), Number(values.refusals), Number(values.rate)]

const address = (net: number, index: number): string => `127.${net}.${Math.floor(index / 250)}.${1 + (index % 250)}`

let up = 0
let most = 0
let closed = 0
let failed = 0
/** The sockets that drip, by when in a second, with how much each has said. */
const dripping = Array.from({ length: DRIPS }, () => new Map<Socket, number>())

function hang(index: number): void {
  const localAddress = address(1, Math.floor(index / PER_ADDRESS))
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  const drips = index % 2 === 0 ? undefined : dripping[index % DRIPS]
  let isUp = false
  socket.once('connect', () => {
    isUp = true
    most = Math.max(most, ++up)
    drips?.set(socket, 0)
  })
  socket.on('error', () => failed++)
  socket.on('end', () => socket.destroy())
  socket.on('close', () => {
    drips?.delete(socket)
    if (isUp) {
      up--
      closed++
    }
    setTimeout(() => hang(index), 100 + Math.random() * 400)
  })
  socket.resume()
}

let begun = 0
let refused = 0
let otherwise = 0
function refuse(index: number): void {
  const socket = connect({ port, host: '127.0.0.1', localAddress: address(2 + (index & 7), (index >> 3) % 2048) })
  let text = ''
  socket.once('connect', () => socket.write(REFUSED))
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  socket.on('end', () => socket.destroy())
  socket.on('close', () => {
    if (text.includes('<not-authorized ')) refused++
    else otherwise++
    if (refused + otherwise === refusals) process.send?.({ done: true, ...told() })
  })
}

function told() {
  return { up, most, closed, failed, refused, otherwise }
}

for (let index = 0; index < loris; index++) setTimeout(() => hang(index), Math.random() * 5000)
let drip = 0
setInterval(() => {
  for (const [socket, said] of dripping[drip % DRIPS]!) {
    socket.write(OPENING[said % OPENING.length]!)
    dripping[drip % DRIPS]!.set(socket, said + 1)
  }
  drip++
}, 1000 / DRIPS)
// They begin once all the others hang.
setTimeout(() => {
  let at = performance.now()
  let owed = 0
  const timer = setInterval(() => {
    const now = performance.now()
    owed += ((now - at) * rate) / 1000
    at = now
    for (; owed >= 1 && begun < refusals; owed--) refuse(begun++)
    if (begun >= refusals) clearInterval(timer)
  }, TICK_MILLISECONDS)
}, 6000)
setInterval(() => process.send?.(told()), 1000)
process.on('disconnect', () => process.exit())
