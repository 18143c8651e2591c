import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below Linux's ephemeral range (32768 and up), so that no outgoing connection takes a port between our look and the peer's bind. */
const LOWEST = 12_000
const HIGHEST = 32_000
const ATTEMPTS = 50

/** A TCP port that nothing listens on at 127.0.0.1 now. For peers that cannot report the port behind a 0. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = randomInt(LOWEST, HIGHEST)
    if (await canBind(port)) return port
  }
  throw new Error(`no free port on 127.0.0.1 after ${ATTEMPTS} attempts`)
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
