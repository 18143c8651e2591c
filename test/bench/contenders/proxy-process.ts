/** Passes each chunk on, both ways, from PORT to TO, and knows no stanzas: what Node itself and the machine cost a round trip. */
import { connect, createServer } from 'node:net'

const [port, to] = process.argv.slice(2).map(Number)

createServer({ noDelay: true }, (near) => {
  const far = connect({ port: to ?? 0, host: '127.0.0.1', noDelay: true })
  near.on('data', (chunk) => far.write(chunk)).on('error', () => far.destroy())
  far.on('data', (chunk) => near.write(chunk)).on('error', () => near.destroy())
  near.once('close', () => far.destroy())
}).listen(port, '127.0.0.1', () => console.log('ready'))
