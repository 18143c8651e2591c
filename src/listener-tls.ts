import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls'
import type { Listener as ListenerConfig } from '../config/config.ts'
import { SwitchyardError } from './errors.ts'
import type { ShownCertificate } from './stream/accept.ts'
import { tlsSettings } from './tls-settings.ts'

/** What a port shows and believes. */
export interface TlsContext {
  readonly cert: Buffer
  readonly key: Buffer
  /** Undefined: no certificate is asked for. */
  readonly ca: Buffer | undefined
}

export interface TlsEvents {
  /** TLS is up: `socket` speaks in clear from here on. */
  readonly up: (socket: Socket, shown: ShownCertificate | undefined) => void
  /** It is not, and will not be; `why` is undefined where the peer has just gone, as a plain health check does. */
  readonly failed: (socket: Socket, why: string | undefined) => void
}

/** The TLS of a port. It listens nowhere: it is given each connection when that may begin with TLS. */
export class ListenerTls {
  readonly #server: Server

  constructor(context: TlsContext, handshakeSeconds: number, { up, failed }: TlsEvents) {
    const asks = context.ca !== undefined
    const options = {
      ...{ ...tlsSettings, ...context, honorCipherOrder: true, allowHalfOpen: true },
      ...{ requestCert: asks, rejectUnauthorized: asks, handshakeTimeout: handshakeSeconds * 1000 },
    }
    this.#server = createServer(options, (socket) => {
      socket.disableRenegotiation() // CVE-2021-32920: it costs us far more than them
      up(socket, asks ? shownBy(socket) : undefined)
    })
    this.#server.on('tlsClientError', (error: Error, socket: TLSSocket) => failed(socket, whyFailed(error, socket)))
  }

  /** From now on it shows and believes this; connections that are there stay as they are. */
  renew(context: TlsContext): void {
    this.#server.setSecureContext({ ...tlsSettings, ...context, honorCipherOrder: true })
  }

  enter(socket: Socket): void {
    this.#server.emit('connection', socket)
  }
}

/** Reads the files of a port anew; undefined for one without TLS. Throws `listen-failed`, with the file that is wrong. */
export function contextOf({ host, port, tls }: ListenerConfig): TlsContext | undefined {
  if (tls === undefined) return undefined
  const where = `listen ${host}:${port}`
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path)
    } catch (error) {
      throw failure(`${where}: ${path} cannot be read`, error)
    }
  }
  const { cert, key, ca } = tls
  const context = { cert: read(cert), key: read(key), ca: ca === undefined ? undefined : read(ca) }
  const attempt = (build: () => unknown, what: string): void => {
    try {
      build()
    } catch (error) {
      throw failure(`${where}: ${what}`, error)
    }
  }
  attempt(() => createSecureContext({ cert: context.cert }), `${cert} is no certificate`)
  attempt(() => createSecureContext({ key: context.key }), `${key} is no private key`)
  attempt(() => createSecureContext({ cert: context.cert, key: context.key }), `${key} is not the key of ${cert}`)
  // OpenSSL would take a file without any, and then believe nobody.
  const { ca: authority } = context
  if (authority !== undefined) attempt(() => new X509Certificate(authority), `${ca} is no certificate`)
  return context
}

/** Node says of a certificate that it does not believe only that the connection is gone. */
function whyFailed(error: Error, { authorizationError }: TLSSocket): string | undefined {
  if (authorizationError) return String(authorizationError)
  if ('reason' in error) return String(error.reason) // OpenSSL's, without the places in its sources
  return 'code' in error && error.code === 'ECONNRESET' ? undefined : error.message
}

function failure(what: string, cause: unknown): SwitchyardError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new SwitchyardError('listen-failed', `${what}: ${why}`, { cause })
}

function shownBy(socket: TLSSocket): ShownCertificate | undefined {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  if (certificate === undefined) return undefined
  return {
    fingerprint: `sha256:${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`,
    // Neither the common name nor a wildcard says who an instance is (RFC 9525 §6.3).
    isFor: (name) => certificate.checkHost(name, { subject: 'never', wildcards: false }) !== undefined,
  }
}
