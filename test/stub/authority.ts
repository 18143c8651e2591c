import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A certificate and its key, in files. */
export interface Issued {
  readonly cert: string
  readonly key: string
  /** What is in the files. */
  readonly pem: { readonly cert: string; readonly key: string }
  /** As `certificates` has it. */
  readonly fingerprint: string
}

/** An authority of the test's own, made by openssl, with all that it issues in one folder, which is gone with the test. */
export class Authority {
  readonly folder: string
  readonly ca: string
  readonly pem: string
  readonly #key: string

  constructor(t: Pick<TestContext, 'after'>) {
    this.folder = mkdtempSync(join(tmpdir(), 'switchyard-authority-'))
    t.after(() => rmSync(this.folder, { recursive: true }))
    this.ca = join(this.folder, 'ca.pem')
    this.#key = join(this.folder, 'ca.key')
    const subject = [
      '-subj',
      '/O=Switchyard/CN=Authority of a test',
      '-addext',
      'keyUsage=critical,keyCertSign,cRLSign',
    ]
    openssl('req', '-x509', ...newKey, '-days', '90', ...subject, '-keyout', this.#key, '-out', this.ca)
    this.pem = readFileSync(this.ca, 'utf8')
  }

  /** @param names DNS names */
  issue(file: string, names: readonly string[]): Issued {
    const [cert, key, request, extensions] = ['pem', 'key', 'csr', 'ext'].map((end) =>
      join(this.folder, `${file}.${end}`),
    )
    openssl('req', ...newKey, '-subj', '/CN=somebody', '-keyout', key!, '-out', request!)
    const alternatives = names.map((name) => `DNS:${name}`).join(',')
    const purposes = 'keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth'
    writeFileSync(extensions!, `subjectAltName=${alternatives}\n${purposes}\nbasicConstraints=CA:FALSE\n`)
    const by = ['-CA', this.ca, '-CAkey', this.#key, '-CAcreateserial', '-days', '90', '-extfile', extensions!]
    openssl('x509', '-req', '-in', request!, ...by, '-out', cert!)
    const pem = { cert: readFileSync(cert!, 'utf8'), key: readFileSync(key!, 'utf8') }
    const { fingerprint256 } = new X509Certificate(pem.cert)
    return { cert: cert!, key: key!, pem, fingerprint: `sha256:${fingerprint256}` }
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', [...args], { stdio: ['ignore', 'ignore', 'ignore'] })
}
