import { createServer, type Socket } from 'node:net'
import { Splitter } from './splitter.ts'

/**
 * An XMPP server's component port that lets everyone in and answers each iq request with an empty result: what stands
 * behind an upstream link. `arrived` resolves with the first who is let in.
 */
export async function startEcho(port: number): Promise<{ readonly arrived: Promise<void> }> {
  let arrive = () => {}
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    welcome(socket, arrive)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { arrived }
}

function welcome(socket: Socket, arrive: () => void): void {
  let text = ''
  let greeted = false
  const read = (chunk: Buffer) => {
    text += chunk.toString('latin1')
    if (!greeted && text.includes('<stream:stream')) {
      greeted = true
      socket.write(
        "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' id='echo' from='echo'>",
      )
    }
    if (!text.includes('</handshake>')) return
    socket.off('data', read)
    socket.write('<handshake/>')
    const splitter = new Splitter('</iq>')
    socket.on('data', (data: Buffer) => socket.write(answers(splitter.push(data))))
    arrive()
  }
  socket.on('data', read)
}

function answers(stanzas: readonly string[]): string {
  let text = ''
  for (const stanza of stanzas) {
    const [id, from, to] = ['id', 'from', 'to'].map((name) => attribute(stanza, name))
    text += `<iq type='result' id='${id}' from='${to}' to='${from}'/>`
  }
  return text
}

/** An attribute of a stanza's first tag, as it stands there; empty where there is none. */
export function attribute(stanza: string, name: string): string {
  const start = stanza.indexOf(` ${name}=`)
  if (start < 0) return ''
  const quote = start + name.length + 2
  return stanza.slice(quote + 1, stanza.indexOf(stanza.charAt(quote), quote + 1))
}
