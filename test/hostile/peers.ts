import { startJabberd2 } from '../bench/contenders/jabberd2.ts'
import { startEjabberd } from '../peers/ejabberd.ts'
import { startProsody } from '../peers/prosody.ts'
import { startGatewayProcess } from '../stub/gateway.ts'

export const secret = 'swordfish'
const components = ['plays.test', 'other.test'].map((domain) => ({ domain, secret }))

/** Whoever takes components. */
export interface Peer {
  readonly port: number
  /** Resolves when its process is gone. */
  isAlive(): boolean
  /** Again, after it has died. */
  revive(): Promise<void>
  stop(): Promise<void>
}

export interface PeerKind {
  readonly name: string
  start(): Promise<Peer>
}

const ours = `
node: yard
listen: [{port: 0}]
domains:
  plays.test: {secret: ${secret}}
  other.test: {secret: ${secret}}
drain: {seconds: 0}
log: {level: info}
`

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

interface Restartable {
  pid(): number
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

function peerOf(server: Restartable, port: number): Peer {
  const revive = async (): Promise<void> => {
    await server.kill()
    await server.start()
  }
  return { port, isAlive: () => isRunning(server.pid()), revive, stop: () => server.stop() }
}

/** Switchyard first, then those that it stands before. */
export const kinds: readonly PeerKind[] = [
  {
    name: 'Switchyard',
    start: async () => {
      const node = await startGatewayProcess(ours)
      let lives = true
      void node.exited.then(() => {
        lives = false
      })
      const gone = (): Promise<void> => Promise.reject(new Error('Switchyard died'))
      return { port: node.port, isAlive: () => lives, revive: gone, stop: async () => void (await node.stop()) }
    },
  },
  {
    name: 'Prosody',
    start: async () => {
      const server = await startProsody({ components })
      return peerOf(server, server.componentPort)
    },
  },
  {
    name: 'ejabberd',
    start: async () => {
      const server = await startEjabberd({ components })
      return peerOf(server, server.componentPort)
    },
  },
  {
    name: 'jabberd2',
    start: async () => {
      const server = await startJabberd2(secret)
      return peerOf(server, server.port)
    },
  },
]
