import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import type { HTTPMethods } from 'fastify'
import { createAdmin } from '../../../src/admin/admin.ts'
import type { ClusterAccess } from '../../../src/admin/cluster-routes.ts'
import { createLog } from '../../../src/log.ts'
import type { AdminActions } from '../../../src/operations.ts'
import { LocalRegistry, type Registry } from '../../../src/registry.ts'
import { Sampler } from '../../../src/sampler.ts'
import { Tuning } from '../../../src/tuning.ts'
import { startGateway } from '../../stub/gateway.ts'
import { InnerNode } from '../../stub/inner-node.ts'
import type { Target } from '../target.ts'

const balanced = 'domain_balancing: {a.test: {type: bare_source, component_number: 3}}'
const yard = `domains: {a.test: {secret: s}, b.test: {secret: s}}\n${balanced}\n`
const METHODS: readonly HTTPMethods[] = ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS']

/**
 * Requests to the admin port, as a first line of method and path, headers, an empty line and a body: whatever they say, no
 * answer has a status of 5xx, and what says what is wrong is a problem of RFC 9457.
 *
 * The view is that of a gateway, the balancing is thought about in earnest, and what would stop the node is not done.
 */
export async function adminTarget(): Promise<Target> {
  const gateway = await startGateway(`node: yard\nlisten: [{port: 0}]\n${yard}`)
  const node: InnerNode = new InnerNode(yard, {
    clock: { now: 0 },
    registry: (): Registry => registry,
    keeper: () => undefined,
  })
  const { routes, config, shares, router } = node
  const quiet = createLog({ level: 'error', node: 'yard' }, { write() {} })
  const registry = new LocalRegistry({ shares, router, log: quiet, seated() {} })
  node.join('red')
  const me = { name: 'yard', incarnation: 'a1' }
  const tasks = { everybody: [me], isUp: true, ask: async () => ({ answers: new Map(), silent: [] }) }
  const tuning = new Tuning({
    ...{
      routes,
      tasks,
      me: () => me,
      limits: () => config.limits,
      random: () => 0.5,
      now: () => 0,
      preciseNow: () => 0,
    },
    sampler: new Sampler({ routes, random: () => 0.5, pause: async () => {} }),
  })
  const answers = { answers: new Map([['yard', { value: { done: 'draining' } }]]), silent: [] }
  const access: ClusterAccess = {
    consistency: async () => ({ consistent: true, epoch: 1, nodes: ['yard'], differences: [], silent: [] }),
    reload: async () => answers,
    drain: async (name) => (name === 'yard' ? answers : undefined),
    instance: async () => answers,
  }
  const actions: AdminActions = {
    token: () => 't',
    instance: (_action, domain, name) =>
      domain !== 'a.test'
        ? { refused: 'absent', detail: 'no such instance is connected' }
        : name === 'far'
          ? { elsewhere: 'yard-2' }
          : { done: 'draining' },
    clearQuarantine: (domain) => (domain === 'a.test' ? true : undefined),
  }
  const faults: unknown[] = []
  const log = createLog({ level: 'error', node: 'yard' }, { write: (line) => void faults.push(line) })
  const events = { dropped: 0, listen: () => () => {} }
  const app = await createAdmin(gateway.view, actions, log, { access, events, tuning })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  return {
    form: 'text',
    isSequential: true,
    mostBytes: 2048,
    tokens: [
      ...[
        'GET ',
        'POST ',
        'DELETE ',
        '/v1/domains/',
        '/v1/nodes/yard/drain',
        '/v1/reload',
        '/v1/cluster/consistency',
        '/v1/overview',
        '/metrics',
      ],
      ...[
        'a.test',
        'b.test',
        '/preview',
        '/sample',
        '/explain',
        '?from=',
        '&to=',
        '?seconds=1',
        '&hashed=true',
        '/quarantine',
        '/instances/',
        'red',
        'far',
      ],
      ...[
        '/drain',
        '/kick',
        '/enable',
        '%2F',
        '%00',
        '%',
        '..',
        '//',
        'authorization: Bearer t\n',
        'content-type: application/json\n',
        'content-type: ',
      ],
      ...[
        'transfer-encoding: chunked\n',
        'content-length: 5\n',
        'accept: ',
        '\n\n',
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        'null',
        'true',
        '1e400',
        '-1',
        '{}',
      ],
      ...[
        '"balancing"',
        '"type"',
        '"bare_source"',
        '"component_number"',
        '"input"',
        '"sample"',
        '"seconds"',
        '"items"',
        '"weight"',
        '"hashes"',
        '"format"',
      ],
      ...[
        '"__proto__"',
        '"constructor"',
        '"from"',
        '"to"',
        '"hash"',
        '"erlang_phash2"',
        '\\u0000',
        '\\ud800',
        'u@x.test\\tb@a.test\\n',
        '\xff',
      ],
    ],
    run: async (input) => {
      const text = input.toString('latin1')
      const end = text.indexOf('\n\n')
      const [line = '', ...headers] = (end < 0 ? text : text.slice(0, end)).split('\n')
      const [method = '', url = ''] = line.split(' ')
      // Events do not end.
      if (!METHODS.includes(method as HTTPMethods) || !url.startsWith('/') || /events/i.test(decodedOnce(url)))
        return 'no request'
      const body = end < 0 ? '' : text.slice(end + 2)
      // A body of another length than it says may be waited for, as may what is to follow: then the end says that nothing will.
      const isOdd = headers.some((header) =>
        /^(?:content-length|transfer-encoding|connection|upgrade|expect|te):/i.test(header),
      )
      const length = isOdd ? [] : [`content-length: ${body.length}`]
      const head = [`${line} HTTP/1.1`, 'host: yard', 'connection: close', ...length, ...headers]
      const answer = await ask(port, Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1'), isOdd)
      if (answer === '' && isOdd) return 'no answer'
      const [, status = '', type = '', said = ''] =
        /^HTTP\/1\.1 (\d{3}) [\s\S]*?(?:\r\ncontent-type: ([^\r]*)[\s\S]*?)?\r\n\r\n([\s\S]*)$/.exec(answer) ?? []
      assert.match(status, /^[1-4]..$/, `${answer} ${faults.at(-1)}`)
      assert.deepEqual(faults, [])
      // What the HTTP parser refuses never comes to us.
      if (Number(status) >= 400 && method !== 'HEAD' && said !== '' && type.includes('problem')) {
        assert.equal((JSON.parse(said) as { status: number }).status, Number(status))
      }
      return `${status} ${Number(status) < 400 ? Math.min(url.split('/').length, 7) : ''}`
    },
    close: async () => {
      await app.close()
      await gateway.stop()
    },
  }
}

/** What one connection with these bytes is answered with; whoever ends it before the answer may get none. */
async function ask(port: number, request: Buffer, isEnded: boolean): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const said: Buffer[] = []
  socket.on('data', (chunk: Buffer) => said.push(chunk))
  // It may be closed before all has been sent: what counts is what has been said by then.
  socket.on('error', () => {})
  if (isEnded) socket.end(request)
  else socket.write(request)
  await once(socket, 'close')
  return Buffer.concat(said).toString('latin1')
}

function decodedOnce(url: string): string {
  try {
    return decodeURIComponent(url)
  } catch {
    return 'events'
  }
}
