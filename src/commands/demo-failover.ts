import { setTimeout as pause } from 'node:timers/promises'

/** A stream to a node. */
export interface Connection {
  /** Resolves when it has ended. */
  readonly gone: Promise<unknown>
}

/** Between a port that refuses and the next one, in milliseconds. */
const NEXT_AFTER = 50

/**
 * Stays connected for as long as it lasts: to the first of the ports that takes it; when that stream has ended, to the
 * first one that does then. What a component with a list of nodes does, or a load balancer before them.
 */
export async function stayConnected(
  ports: readonly number[],
  connect: (port: number) => Promise<Connection>,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    for (const port of ports) {
      const connection = await connect(port).catch(() => undefined)
      if (connection !== undefined) {
        await connection.gone
        break
      }
      await pause(NEXT_AFTER)
      if (isOver()) return
    }
  }
}
