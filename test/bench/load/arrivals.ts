import type { Socket } from 'node:net'
import { confirmation } from './component.ts'
import { attribute } from './echo.ts'
import { Splitter } from './splitter.ts'

/** Calls `arrived` with the number of each numbered stanza (`n5`) that a component is sent, and confirms what Switchyard asks about. */
export function arrivals(socket: Socket, domain: string, arrived: (item: number) => void): void {
  const splitter = new Splitter('</')
  socket.on('data', (chunk: Buffer) => {
    for (const part of splitter.push(chunk)) {
      const tag = Math.max(part.indexOf('<message '), part.indexOf('<iq '))
      if (tag < 0) continue
      const id = attribute(part.slice(tag), 'id')
      if (id.startsWith('n')) arrived(Number(id.slice(1)))
      else if (id.startsWith('sy.')) socket.write(confirmation(domain, id))
    }
  })
  socket.resume()
}
