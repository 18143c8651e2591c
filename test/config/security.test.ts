import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback } from '../../config/names.ts'
import { makeCertificate } from '../stub/server.ts'
import { filesOf, load, pem, problemsOf } from './loading.ts'

const digits = '0123456789abcdef'.repeat(4)
const colons = digits.toUpperCase().replace(/..(?=.)/g, '$&:')
const tls = 'tls: {cert: c.pem, key: c.pem, ca: c.pem}'
const readFile = filesOf({ 'etc/c.pem': pem })

const yard = (listen: string, domain: string, more = ''): string =>
  `listen: [${listen}]\ndomains:\n  a.example: {${domain}}\n${more}`

test('a certificate is a fingerprint, with or without colons, or a DNS name, of the domain or of an instance', () => {
  const listen = `{port: 1, ${tls}}`
  const shared = load(yard(listen, `certificates: [sha256:${colons}, Bot.Example]`), { readFile })
  assert.deepEqual(shared.config?.domains.get('a.example')?.certificates, [`sha256:${digits}`, 'bot.example'])
  assert.deepEqual(shared.config?.domains.get('a.example')?.secrets, [])
  const both = load(yard(listen, 'secret: x, certificates: [bot]'), { readFile }).config?.domains.get('a.example')
  assert.deepEqual([both?.secrets, both?.certificates], [['x'], ['bot']])
  const named = load(yard(listen, 'instances: {blue: {certificates: [blue.example]}, red: {secret: y}}'), { readFile })
  assert.deepEqual(
    [...(named.config?.domains.get('a.example')?.instances ?? [])],
    [
      ['blue', { secrets: [], certificates: ['blue.example'] }],
      ['red', { secrets: ['y'] }],
    ],
  )
})

test('a certificate that nobody asks for, is two instances’, or is none, is refused where it stands', () => {
  assert.deepEqual(problemsOf(yard('{port: 1}', 'certificates: [bot]')), [
    '3:15 domains."a.example".certificates: has no effect: no listener that serves the domain has tls.ca',
  ])
  const elsewhere = `{port: 1, ${tls}, domains: [b.example]}, {port: 2}`
  assert.deepEqual(problemsOf(yard(elsewhere, 'certificates: [bot]', '  b.example: {secret: y}\n'), { readFile }), [
    '3:15 domains."a.example".certificates: has no effect: no listener that serves the domain has tls.ca',
  ])
  const listen = `{port: 1, ${tls}}`
  const twice = 'instances: {blue: {certificates: [bot]}, red: {certificates: [x, BOT]}}'
  assert.deepEqual(problemsOf(yard(listen, twice), { readFile }), [
    '3:80 domains."a.example".instances.red.certificates[1]: is also the certificate of blue: the certificate says which instance connects',
  ])
  assert.deepEqual(problemsOf(yard(listen, 'instances: {blue: {secret: x}}, certificates: [bot]'), { readFile }), [
    '3:47 domains."a.example".certificates: cannot stand beside instances: give it to one of them',
  ])
  assert.deepEqual(problemsOf(yard(listen, 'certificates: ["sha256:12"]'), { readFile }), [
    '3:30 domains."a.example".certificates[0]: must be sha256: and 64 hexadecimal digits, or a DNS name, not "sha256:12"',
  ])
  assert.deepEqual(problemsOf(yard(listen, 'delivery: at_most_once'), { readFile }), [
    '3:3 domains."a.example": needs one of secret, secrets, secret_file, instances',
  ])
})

test('what is in a listener’s files is looked at: a certificate, its own key, an authority', () => {
  const other = makeCertificate()
  const files = {
    ...{ 'etc/c.pem': pem, 'etc/other.key': other.key, 'etc/none.pem': 'none\n' },
    'etc/locked.key': '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n',
  }
  const said = (written: string) =>
    problemsOf(yard(`{port: 1, tls: {${written}}}`, 'secret: x'), { readFile: filesOf(files) })
  assert.deepEqual(said('cert: c.pem, key: c.pem'), [])
  assert.deepEqual(said('cert: c.pem, key: other.key'), [
    '1:44 listen[0].tls.key: names "other.key", which is not the key of the certificate in "c.pem"',
  ])
  assert.deepEqual(said('cert: none.pem, key: none.pem, ca: none.pem'), [
    '1:32 listen[0].tls.cert: names "none.pem", which has no certificate (PEM) in it',
    '1:47 listen[0].tls.key: names "none.pem", which has no private key (PEM) in it',
    '1:61 listen[0].tls.ca: names "none.pem", which has no certificate (PEM) in it',
  ])
  assert.deepEqual(said('cert: c.pem, key: locked.key'), [
    '1:44 listen[0].tls.key: names "locked.key", whose key has a password: take it off',
  ])
})

test('with require_tls nothing is dialled in clear text beyond loopback', () => {
  const upstream = (service: string) => `secret: x, upstream: {service: "${service}", secret: y}`
  const required = (service: string, more = '') =>
    problemsOf(yard('{port: 1}', upstream(service), `require_tls: true\n${more}`), { readFile })
  for (const service of ['xmpp://127.0.0.9', 'xmpp://[::1]', 'xmpp://localhost', 'xmpps://xmpp.example'])
    assert.deepEqual(required(service), [], service)
  assert.deepEqual(required('xmpp://xmpp.example:5275'), [
    '3:46 domains."a.example".upstream.service: is clear text to xmpp.example, which require_tls forbids: write xmpps://',
  ])
  assert.deepEqual(required('xmpps://h', 'cluster: {redis: "redis://u:p@cache.example"}\n'), [
    '5:18 cluster.redis: is clear text to redis://cache.example, which require_tls forbids: write rediss://',
  ])
  assert.deepEqual(required('xmpps://h', 'cluster: {redis: "redis://[::1]:6379"}\n'), [])
  assert.deepEqual(problemsOf(yard('{port: 1}', upstream('xmpp://xmpp.example'))), [])
})

test('pins are public keys of the server, and only with xmpps', () => {
  const upstream = (pins: string) => `secret: x, upstream: {service: "xmpps://h", secret: y, tls: {pins: ${pins}}}`
  const { config } = load(yard('{port: 1}', upstream(`[sha256:${colons}]`)))
  assert.deepEqual(config?.domains.get('a.example')?.upstream?.pins, [`sha256:${digits}`])
  assert.deepEqual(problemsOf(yard('{port: 1}', upstream('[h.example]'))), [
    '3:83 domains."a.example".upstream.tls.pins[0]: must be sha256: and 64 hexadecimal digits, not "h.example"',
  ])
  assert.equal(problemsOf(yard('{port: 1}', upstream('[]'))).length, 1)
})

test('a shaper has a rate, and lets as much through at once as it says, or as the rate gives in a second', () => {
  const { config } = load(yard('{port: 1, shaper: {rate: 64KiB}}', 'secret: x, shaper: {rate: 1MiB, burst: 4MiB}'))
  assert.deepEqual(config?.listen[0]?.shaper, { rate: 65_536, burst: 65_536 })
  assert.deepEqual(config?.domains.get('a.example')?.shaper, { rate: 1_048_576, burst: 4_194_304 })
  assert.deepEqual(problemsOf(yard('{port: 1, shaper: {}}', 'secret: x')), ['1:20 listen[0].shaper.rate: is missing'])
})

test('loopback is 127/8, ::1, and the names that are kept for it', () => {
  for (const host of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '[::1]',
    '::ffff:127.0.0.1',
    'localhost',
    'a.localhost',
    'LOCALHOST',
  ])
    assert.ok(isLoopback(host), host)
  for (const host of ['10.0.0.1', '128.0.0.1', '::2', '::ffff:10.0.0.1', 'example.org', 'localhost.example.org', ''])
    assert.ok(!isLoopback(host), host)
})
