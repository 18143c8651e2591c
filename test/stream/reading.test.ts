import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { readingShared, readShared } from '../../src/stream/reading.ts'

/** Both ends of a connection: the one that dials, and what the server has accepted. */
async function pair(): Promise<{
  readonly near: Socket
  readonly accepted: Socket
  close(): void
  connections(): Promise<number>
}> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' })
  const [accepted] = (await once(server, 'connection')) as [Socket]
  const connections = () => promisify(server.getConnections.bind(server))()
  return { near, accepted, close: () => void server.close(), connections }
}

test('an accepted socket is read into one buffer, whole and in order, and its end is told', async () => {
  const { near, accepted, close, connections } = await pair()
  const chunks: Buffer[] = []
  const buffers = new Set<ArrayBufferLike>()
  const socket = readShared(accepted, (chunk) => {
    buffers.add(chunk.buffer)
    chunks.push(Buffer.from(chunk))
  })
  // Or a later Node has no handle to take over, and all is read as if this file were not there.
  assert.notEqual(socket, accepted)
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
  near.end(sent)
  await once(socket, 'end')
  assert.ok(Buffer.concat(chunks).equals(sent))
  assert.equal(buffers.size, 1)
  const closed = once(socket, 'close')
  const answer = once(near, 'data')
  socket.end('bye')
  assert.equal(`${(await answer)[0]}`, 'bye')
  await closed
  assert.equal(await connections(), 0)
  close()
})

test('a socket that is paused is not read until it goes on', async () => {
  const { near, accepted, close } = await pair()
  const chunks: string[] = []
  const socket = readShared(accepted, (chunk) => {
    chunks.push(`${chunk}`)
    if (chunks.length === 1) socket.pause()
  })
  near.write('one')
  // What another connection brings later has come, so what this one had before would have come too.
  while (chunks.length === 0) await new Promise(setImmediate)
  await new Promise<void>((resolve) => near.write('two', () => resolve()))
  const other = await pair()
  const own = readShared(other.accepted, () => other.accepted.emit('heard'))
  other.near.end('x')
  await once(other.accepted, 'heard')
  assert.deepEqual(chunks, ['one'])
  socket.resume()
  while (chunks.length < 2) await new Promise(setImmediate)
  assert.deepEqual(chunks, ['one', 'two'])
  near.destroy()
  other.near.destroy()
  close()
  other.close()
  own.destroy()
  socket.destroy()
})

test('a socket that dials reads into the same buffer', async () => {
  const server = createServer((socket) => socket.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const chunks: string[] = []
  const onread = readingShared((chunk) => chunks.push(`${chunk}`))
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', onread })
  socket.resume()
  await once(socket, 'close')
  assert.equal(chunks.join(''), 'hello')
  server.close()
})
