import type { Server } from '../../peers/server.ts'
import { startNode } from './node-process.ts'

/** A relay from `port` to `to` that parses nothing. */
export function startProxy(port: number, to: number): Promise<Server> {
  return startNode('proxy', 'proxy-process.ts', port, to)
}
