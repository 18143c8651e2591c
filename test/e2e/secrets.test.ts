import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { check } from '../../src/commands/check.ts'
import { startUnder } from '../commands/program.ts'
import { freePort } from '../peers/ports.ts'
import { startRedis } from '../peers/redis.ts'
import { StubInstance } from '../stub/instance.ts'
import { makeCertificate, streamError, streamHeader } from '../stub/server.ts'

/** Every place where a secret may stand, each with one that is found nowhere else. The last is a token that is wrong. */
const plants = {
  domain: 'plaice-4417-domain',
  rotated: 'plaice-9023-rotated',
  environment: 'plaice-7710-environment',
  instance: 'plaice-3351-instance',
  file: 'plaice-8842-file',
  upstream: 'plaice-1296-upstream',
  token: 'plaice-6073-token',
  redis: 'plaice-5508+redis/x',
  wrong: 'plaice-2961-wrong',
} as const

interface Yard {
  readonly folder: string
  readonly path: string
  readonly redisPort: number
  readonly admin: number
  readonly key: string
  config(change?: (text: string) => string): void
}

/** A folder that all may enter, with files that all may read: the node has something to warn of, too. */
function setYard(t: TestContext, upstreamPort: number, redisPort: number, admin: number): Yard {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-secrets-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  const { key, cert } = makeCertificate()
  const files = { 'key.pem': key, 'cert.pem': cert, green: `${plants.file}\n`, token: `${plants.token}\n` }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const path = join(folder, 'yard.yaml')
  const text = `
node: yard
log: {level: trace}
listen: [{port: 0}, {port: 0, tls: {cert: cert.pem, key: key.pem}}]
domains:
  plain.test:
    secret: ${plants.domain}
    upstream: {service: 'xmpp://127.0.0.1:${upstreamPort}', secret: ${plants.upstream}}
  rotated.test: {secrets: [${plants.rotated}, '\${PLANTED}']}
  named.test: {instances: {blue: {secret: ${plants.instance}}, green: {secret_file: green}}}
domain_balancing: {plain.test: {type: bare_source, component_number: 2}}
cluster: {redis: 'redis://yard:${encodeURIComponent(plants.redis)}@127.0.0.1:${redisPort}', startup_retries: 0}
admin: {port: ${admin}, token_file: token}
drain: {seconds: 0}
`
  const config = (change = (same: string) => same) => writeFileSync(path, change(text))
  config()
  return { folder, path, redisPort, admin, key, config }
}

/** Slips that put a secret where none is expected, or spoil the place where it stands. */
const slips: readonly (readonly [from: string, to: string])[] = [
  [`secret: ${plants.domain}`, `secret: [${plants.domain}]`],
  [`secret: ${plants.domain}`, `secret: {${plants.domain}: ${plants.domain}}`],
  [`secret: ${plants.domain}`, `secrte: ${plants.domain}`],
  [`secret: ${plants.domain}`, `secret: "${plants.domain}`],
  [`secret: ${plants.domain}`, `secret: ${plants.domain}\n    secret: ${plants.domain}`],
  [`secret: ${plants.domain}`, `secret: ${plants.domain}\n    secrets: [${plants.rotated}]`],
  [`secret: ${plants.domain}`, `secret: '\${${plants.domain}'`],
  [`secrets: [${plants.rotated}`, `secrets: ${plants.rotated} #`],
  [`secret: ${plants.instance}`, `secret: ${plants.file}`],
  [`secret: ${plants.instance}`, `secret: &x [${plants.instance}, *y]`],
  [`'\${PLANTED}'`, `'\${PLANTED}', 7`],
  ['component_number: 2', `component_number: '\${PLANTED}'`],
  ['node: yard', `node: '\${PLANTED} and more'`],
  ['redis: ', 'redis: 7, redis_url: '],
  ['redis://yard:', 'http://yard:'],
  ['redis://yard:', 'yard:'],
  ['@127.0.0.1:', '@127.0.0.1 :'],
  ['token_file: token', `token: [${plants.token}]`],
  ['token_file: token', `token: ${plants.token}, token_file: token`],
]

/** A secret as it is, and as others write it. */
function writings(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  return [secret, encodeURIComponent(secret), bytes.toString('base64').slice(0, -4), bytes.toString('hex')]
}

test('what was planted as a secret is in no log, answer, metric, page, event, message or stack of a node that has trouble', {
  timeout: 240_000,
}, async (t) => {
  const refusing = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(streamHeader('id-of-the-server')))
    socket.on('data', (data) => data.includes('handshake') && socket.end(streamError('not-authorized')))
  }).listen(0, '127.0.0.1')
  t.after(() => refusing.close())
  await once(refusing, 'listening')
  const user = { name: 'yard', password: plants.redis, rule: '~* &* +@all' }
  const redis = await startRedis({ user })
  t.after(() => redis.stop())
  const yard = setYard(t, (refusing.address() as AddressInfo).port, redis.port, await freePort())
  const said: string[] = []
  const env = { PLANTED: plants.environment }
  const run = async (args: readonly string[], input = '', node: readonly string[] = []) => {
    const { child, ended } = startUnder(t, node, args, env)
    child.stdin.end(input)
    const { out, err, code } = await ended
    said.push(out, err)
    return { code, text: out + err }
  }

  const node = startUnder(t, [], ['run', '--config', yard.path], env)
  const coded = (code: string) => node.line((line) => line.includes(`"code":"${code}"`))
  const [port] = JSON.parse(await coded('ready')).ports as readonly number[]
  await coded('secret-exposed')
  const instance = await StubInstance.join(port!, 'plain.test', plants.domain)
  await coded('link-refused')
  const stranger = await StubInstance.open(port!, 'plain.test')
  stranger.handshake(plants.wrong)
  await coded('instance-refused')
  const digests = [instance.digest(plants.domain), stranger.digest(plants.wrong)]

  for (const token of [plants.token, plants.wrong]) said.push(...(await everyRoute(yard.admin, token)))
  for (const [from, to] of slips) {
    let isFound = false
    yard.config((text) => {
      isFound = text.includes(from)
      return text.replace(from, () => to)
    })
    assert.ok(isFound, from)
    const told = (text: string) => void said.push(text)
    const readFile = (path: string) => readFileSync(path, 'utf8')
    assert.equal(check(yard.path, { env, hostname: 'box', readFile, stdout: told, stderr: told }), 1, to)
    said.push(await ask(yard.admin, '/v1/reload', 'POST', plants.token))
  }
  assert.equal((await run(['run', '--config', yard.path])).code, 1)
  yard.config()

  const file = ['--config', yard.path]
  assert.equal((await run(['check', ...file])).code, 0)
  await run(['check', '--cluster', ...file])
  assert.equal((await run(['explain', 'a@users.test', 'b@plain.test', ...file])).code, 0)
  await run(['simulate', ...file], 'a@users.test b@plain.test\n')
  await run(['simulate', '--to', yard.path, ...file], 'a@users.test b@plain.test\n')
  await redis.kill()
  await coded('cluster-down')
  await run(['check', '--cluster', ...file])
  await run(['run', ...file])
  await redis.start()
  await coded('cluster-up')
  // Once it listens for signals there is a log, which is told of the error.
  const thrown = 'setInterval(()=>{if(process.listenerCount("SIGHUP")>0)throw new Error("planted")},100)'
  const bug = ['--import', `data:text/javascript,${thrown}`]
  // Alone, as the name is taken in the cluster, and the port of the admin, too.
  yard.config((text) => text.replace(/^(cluster|admin):.*\n/gm, ''))
  const { code, text } = await run(['run', ...file], '', bug)
  assert.equal(code, 70, text)
  assert.match(text, /planted.*"code":"bug"/)
  node.child.kill('SIGTERM')
  const { out, err } = await node.ended
  said.push(out, err)

  const all = said.join('\n')
  assert.ok(all.length > 100_000 && all.includes('plain.test') && all.includes('config-refused'), `${all.length}`)
  const body = yard.key.split('\n').slice(1, -2)
  for (const secret of [...Object.values(plants).flatMap(writings), ...digests, ...body]) {
    const at = all.indexOf(secret)
    assert.ok(at < 0, `${secret} in …${all.slice(Math.max(0, at - 200), at + 100)}…`)
  }
})

/** What every route of the API says, every file of the page, and the first of the events. */
async function everyRoute(admin: number, token: string): Promise<readonly string[]> {
  const openapi = await ask(admin, '/openapi.json', 'GET', token)
  const said = [openapi, await ask(admin, '/nothing-here', 'GET', token)]
  const { paths } = JSON.parse(openapi.slice(openapi.indexOf('\n'))) as {
    readonly paths: Readonly<Record<string, object>>
  }
  assert.ok(Object.keys(paths).length > 10)
  for (const [template, methods] of Object.entries(paths)) {
    const path = template.replace('{d}', 'plain.test').replace(/\{\w+\}/g, 'yard')
    const query = path.endsWith('/explain') ? '?from=a@users.test&to=b@plain.test' : ''
    for (const method of Object.keys(methods)) {
      // What ends the node, or an instance, is for the end.
      if (/drain|kick/.test(path)) continue
      said.push(await ask(admin, `${path}${query}`, method.toUpperCase(), token))
    }
  }
  const page = await ask(admin, '/', 'GET', token)
  for (const [, file] of page.matchAll(/(?:src|href)="(\/?[\w./-]+)"/g)) {
    said.push(await ask(admin, `/${file}`.replace('//', '/'), 'GET', token))
  }
  return [...said, page]
}

/** Headers and body; of an answer that goes on, what comes in half a second. */
async function ask(port: number, path: string, method: string, token: string): Promise<string> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
  }
  const options = { method, headers, ...(method === 'GET' || method === 'HEAD' ? {} : { body: '{}' }) }
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, options)
  let text = `${JSON.stringify([...answer.headers])}\n`
  const reader = answer.body?.getReader()
  if (reader === undefined) return text
  const isEndless = answer.headers.get('content-type')?.startsWith('text/event-stream') === true
  const timer = isEndless ? setTimeout(() => reader.cancel(), 500) : undefined
  for (let part = await reader.read(); !part.done; part = await reader.read())
    text += Buffer.from(part.value).toString()
  clearTimeout(timer)
  return text
}
