import { createHash, X509Certificate } from 'node:crypto'
import { isIP, type TcpNetConnectOpts } from 'node:net'
import { checkServerIdentity, connect, type TLSSocket } from 'node:tls'
import { tlsSettings } from './tls-settings.ts'

export interface LinkTls {
  /** PEM of the authorities to believe instead of the system's. */
  readonly ca?: string
  /** The name that the certificate must bear; the host's own by default. */
  readonly servername?: string
  /** Of these public keys the server's must be one, besides: `sha256:` and 64 lower-case digits each. */
  readonly pins?: readonly string[]
}

/** What a server writes into its certificate is shown up to so many characters. */
const SHOWN_CHARACTERS = 200

/**
 * Connects by TLS, and lets no server pass whose certificate is not of an authority, for the name, and of a pinned key. What is
 * wrong is said with the certificate that was shown: `explained` makes that of the socket's error.
 */
export function connectTls(
  to: TcpNetConnectOpts & { readonly host: string },
  { ca, servername, pins }: LinkTls,
): { readonly socket: TLSSocket; readonly explained: (error: Error) => Error } {
  const name = servername ?? (isIP(to.host) === 0 ? to.host : undefined)
  const socket = connect({
    ...{ ...to, ...tlsSettings, rejectUnauthorized: true },
    checkServerIdentity: (host, shown) =>
      checkServerIdentity(host, shown) ?? (pins && wrongKey(new X509Certificate(shown.raw), pins)),
    ...(name === undefined ? {} : { servername: name }),
    ...(ca === undefined ? {} : { ca }),
  })
  let shown: X509Certificate | undefined
  // Before Node looks at it: a certificate that is refused is gone with its connection.
  socket.prependListener('secure', () => {
    // Not `getPeerX509Certificate`: what Node asks for next would be empty then.
    const { raw } = socket.getPeerCertificate()
    shown = raw && new X509Certificate(raw)
  })
  socket.on('secureConnect', () => {
    shown = undefined
    socket.disableRenegotiation()
  })
  return { socket, explained: (error) => (shown === undefined ? error : withCertificate(error, shown)) }
}

/** The SHA-256 of its public key (SPKI, RFC 7469 §2.4). */
function keyOf({ publicKey }: X509Certificate): string {
  return `sha256:${createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')}`
}

function wrongKey(shown: X509Certificate, pins: readonly string[]): Error | undefined {
  return pins.includes(keyOf(shown)) ? undefined : new Error('its public key is none of upstream.tls.pins')
}

function withCertificate(error: Error, shown: X509Certificate): Error {
  const { subject, issuer, validTo, fingerprint256 } = shown
  const text = (name: string): string => JSON.stringify((name ?? '').replaceAll('\n', ', ').slice(0, SHOWN_CHARACTERS))
  const fingerprint = `sha256:${fingerprint256.replaceAll(':', '').toLowerCase()}`
  const is = `${text(subject)} of ${text(issuer)}, until ${validTo}, fingerprint ${fingerprint}, public key ${keyOf(shown)}`
  return new Error(`${error.message}; the server's certificate is ${is}`, { cause: error })
}
