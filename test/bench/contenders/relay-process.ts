/** Each chunk that comes in at the port argv[2] goes out to the next one of those who have dialled the port argv[3]. */
import { createServer, type Socket } from 'node:net'

const [port, sinkPort] = process.argv.slice(2).map(Number)
const sinks: Socket[] = []

const receivers = createServer({ noDelay: true }, (socket) => {
  sinks.push(socket)
  socket.on('error', () => {})
  socket.once('close', () => sinks.splice(sinks.indexOf(socket), 1))
})

const senders = createServer({ noDelay: true }, (socket) => {
  let turn = 0
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    const sink = sinks[turn++ % sinks.length]
    if (sink === undefined || sink.write(chunk)) return
    socket.pause()
    sink.once('drain', () => socket.resume())
  })
})

receivers.listen(sinkPort, '127.0.0.1', () => senders.listen(port, '127.0.0.1', () => console.log('ready')))
