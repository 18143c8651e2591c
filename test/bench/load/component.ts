import { createHash } from 'node:crypto'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export const SECRET = 'swordfish'

export interface Dial {
  readonly port: number
  readonly domain: string
  /** Where to dial from: one loopback address has ports for some 28 000 connections. */
  readonly localAddress?: string
  /** TLS from the first byte, any certificate. */
  readonly tls?: boolean
}

/**
 * An open component stream (XEP-0114 §3). Rejects when it is refused. The socket is paused: whoever takes it listens
 * first and then calls `resume`, so no byte is lost in between.
 */
export function connectComponent({ port, domain, localAddress, tls = false }: Dial): Promise<Socket> {
  const target = { port, host: '127.0.0.1', ...(localAddress === undefined ? {} : { localAddress }) }
  return new Promise((resolve, reject) => {
    const socket = tls ? connectTls({ ...target, rejectUnauthorized: false }) : connectTcp(target)
    let text = ''
    let answered = false
    const fail = (error?: Error) => reject(error ?? new Error(`${domain} was refused: ${text.slice(-200)}`))
    const read = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      const id = / id=['"]([^'"]+)['"]/.exec(text)?.[1]
      if (id !== undefined && !answered) {
        answered = true
        socket.write(`<handshake>${createHash('sha1').update(`${id}${SECRET}`).digest('hex')}</handshake>`)
      }
      if (!text.includes('<handshake')) return
      socket.pause()
      socket.off('data', read).off('close', fail).off('error', fail)
      resolve(socket)
    }
    socket.setNoDelay(true)
    socket.on('data', read).once('close', fail).once('error', fail)
    socket.write(
      `<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' to='${domain}'>`,
    )
  })
}

/** A plain connection, for contenders that know no XMPP. */
export function connectPlain(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true })
    socket.once('connect', () => resolve(socket)).once('error', reject)
  })
}

/** The answer to one of Switchyard's barriers: all before it has been read. */
export function confirmation(domain: string, id: string): string {
  return `<iq type='result' id='${id}' from='${domain}' to='switchyard.localhost'/>`
}
