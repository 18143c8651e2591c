import { freePort } from '../../peers/ports.ts'
import type { Server } from '../../peers/server.ts'
import { startNode } from './node-process.ts'

/** A relay that parses nothing: what Node itself can carry from one socket to four. */
export async function startRelay(): Promise<Server & { readonly port: number; readonly sinkPort: number }> {
  const [port, sinkPort] = [await freePort(), await freePort()]
  const server = await startNode('relay', 'relay-process.ts', port, sinkPort)
  return { ...server, port, sinkPort }
}
