import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import type { Listener } from './config.ts'
import type { Context } from './context.ts'
import type { Path } from './problems.ts'
import type { RawListener } from './schema.ts'

/**
 * The TLS of a listener, with paths that can be opened. What is in the files is checked now, and not when somebody connects: a
 * certificate, the key that belongs to it, and an authority.
 */
export function listenerTls(at: Path, raw: RawListener['tls'], context: Context): Pick<Listener, 'tls'> {
  if (raw === undefined) return {}
  const certAt = [...at, 'cert']
  const keyAt = [...at, 'key']
  const shown = certificateIn(certAt, raw.cert, context)
  const key = keyIn(keyAt, raw.key, context)
  if (shown !== undefined && key !== undefined && !shown.checkPrivateKey(key)) {
    context.report(keyAt, `names ${text(raw.key)}, which is not the key of the certificate in ${text(raw.cert)}`)
  }
  if (raw.ca !== undefined) certificateIn([...at, 'ca'], raw.ca, context)
  const ca = raw.ca === undefined ? {} : { ca: context.locate(raw.ca) }
  return { tls: { cert: context.locate(raw.cert), key: context.locate(raw.key), ...ca } }
}

/** The first certificate of a file: the one that is shown, where it is a chain. */
function certificateIn(at: Path, file: string, context: Context): X509Certificate | undefined {
  const pem = context.readFile(at, file)
  try {
    return pem === undefined ? undefined : new X509Certificate(pem)
  } catch {
    context.report(at, `names ${text(file)}, which has no certificate (PEM) in it`)
    return undefined
  }
}

function keyIn(at: Path, file: string, context: Context): KeyObject | undefined {
  const pem = context.readFile(at, file)
  try {
    return pem === undefined ? undefined : createPrivateKey(pem)
  } catch {
    // The reason is OpenSSL's own, and may quote what it read.
    const is = pem?.includes('ENCRYPTED')
      ? 'whose key has a password: take it off'
      : 'which has no private key (PEM) in it'
    context.report(at, `names ${text(file)}, ${is}`)
    return undefined
  }
}

const text = (file: string): string => JSON.stringify(file)
