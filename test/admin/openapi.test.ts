import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { RouteOptions } from 'fastify'
import { createAdmin } from '../../src/admin/admin.ts'
import type { ClusterAccess } from '../../src/admin/cluster-routes.ts'
import { tags } from '../../src/admin/described.ts'
import type { AdminView } from '../../src/admin/view.ts'
import { createLog } from '../../src/log.ts'
import type { AdminActions } from '../../src/operations.ts'
import { type Node, startNode } from '../e2e/node.ts'

interface Operation {
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly security?: readonly object[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly description?: string }[]
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: object }>> }>>
}

interface Document {
  readonly openapi: string
  readonly info: { readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

/** The document of an app that has every route, and what was mounted: `GET /v1/nodes`. */
async function described(t: TestContext) {
  const log = createLog({ level: 'silent' as 'info', node: 'yard' }, { write: () => {} })
  const actions = { token: () => 'token' } as Partial<AdminActions> as AdminActions
  const events = { dropped: 0, listen: () => () => {} }
  const view = { version: '1.2.3' } as Partial<AdminView> as AdminView
  const mounted: string[] = []
  const onRoute = ({ method, url, schema }: RouteOptions): void => {
    // What only refuses a method, and HEAD, which is as GET.
    if (schema?.hide) return
    for (const name of [method].flat())
      if (name !== 'HEAD') mounted.push(`${name} ${url.replaceAll(/:(\w+)/g, '{$1}')}`)
  }
  const app = await createAdmin(view, actions, log, { access: {} as ClusterAccess, events }, onRoute)
  t.after(() => app.close())
  const document = (await app.inject({ method: 'GET', url: '/openapi.json' })).json() as Document
  return { document, mounted }
}

function operationsOf({ paths }: Document): readonly (readonly [string, Operation])[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const),
  )
}

test('every route is in the document, and no other', async (t) => {
  const { document, mounted } = await described(t)
  assert.ok(mounted.length > 10)
  assert.deepEqual(
    operationsOf(document)
      .map(([name]) => name)
      .toSorted(),
    mounted.toSorted(),
  )
})

test('[OpenAPI 3.1] the document is valid, and of the version that runs', async (t) => {
  const { document } = await described(t)
  const { valid, errors } = await new Validator().validate({ ...document })
  assert.equal(valid, true, JSON.stringify(errors))
  assert.match(document.openapi, /^3\.1\./)
  assert.equal(document.info.version, '1.2.3')
})

test('every route says what it does, what its parameters are, which problems it answers with, and whether it needs the token', async (t) => {
  const { document } = await described(t)
  for (const [name, operation] of operationsOf(document)) {
    assert.match(operation.summary ?? '', /\.$/, name)
    assert.ok(Object.hasOwn(tags, operation.tags?.[0] ?? ''), name)
    for (const parameter of operation.parameters ?? []) assert.ok(parameter.description, `${name} ${parameter.name}`)
    const problems = Object.entries(operation.responses).filter(([status]) => /^[45]/.test(status))
    assert.ok(problems.length >= 2, name)
    for (const [status, { content }] of problems) {
      assert.deepEqual(Object.keys(content ?? {}), ['application/problem+json'], `${name} ${status}`)
    }
    const changes = !name.startsWith('GET ') || name.endsWith('/quarantine') || name.endsWith('/sample')
    assert.deepEqual(operation.security, changes ? [{ token: [] }] : [], name)
    for (const status of ['401', '403', '429'])
      assert.equal(status in operation.responses, changes, `${name} ${status}`)
  }
})

const yard = `
node: yard
listen: [{port: 0}]
admin: {port: 0, token: correct-horse}
domains:
  a.test: {instances: {red: {secret: red}, blue: {secret: blue}, green: {secret: green}}}
  b.test: {secret: s, upstream: {service: 'xmpp://127.0.0.1:1', secret: s}}
domain_balancing: {a.test: {type: bare_source, component_number: 2}}
drain: {seconds: 0}
log: {level: info}
`

/** Asks a running node as the document says, and sees that the answer is as the document says. */
async function asker(node: Node) {
  const port = node.gateway.adminPort
  const ask = (method: string, path: string, body?: object) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: 'Bearer correct-horse', ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
  const document = (await (await ask('GET', '/openapi.json')).json()) as Document
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  const answered = new Set<string>()
  return {
    document,
    answered,
    async check(method: string, route: string, path: string, status: number, body?: object): Promise<unknown> {
      const answer = await ask(method, path, body)
      const text = await answer.text()
      assert.equal(answer.status, status, `${method} ${path}: ${text}`)
      const response = document.paths[route]?.[method.toLowerCase()]?.responses[status]
      assert.ok(response, `${method} ${route} does not say that it answers with ${status}`)
      answered.add(`${method} ${route}`)
      const [type = '', schema] = Object.entries(response.content ?? {})[0] ?? []
      if (schema === undefined) return assert.equal(text, '')
      assert.ok(answer.headers.get('content-type')?.startsWith(type), `${path}: ${answer.headers.get('content-type')}`)
      const value: unknown = type.endsWith('json') ? JSON.parse(text) : text
      const isValid = ajv.compile(schema.schema)
      assert.ok(isValid(value), `${method} ${path}: ${ajv.errorsText(isValid.errors)} in ${text.slice(0, 2000)}`)
      return value
    },
  }
}

test('what a running node answers is as the document says, route by route', async (t) => {
  const node = await startNode(t, yard)
  const red = await node.join('a.test', 'red')
  const blue = await node.join('a.test', 'blue')
  await node.join('a.test', 'green')
  const { check, document, answered } = await asker(node)
  red.send(`<message from='a.test' to='u@b.test' id='1'/>`)
  blue.send(`<message from='a.test' to='u@nowhere.test' id='2'/>`)
  await check('GET', '/healthz', '/healthz', 200)
  await check('GET', '/readyz', '/readyz', 200)
  await check('GET', '/metrics', '/metrics', 200)
  await check('GET', '/openapi.json', '/openapi.json', 200)
  await check('GET', '/v1/overview', '/v1/overview', 200)
  await check('GET', '/v1/nodes', '/v1/nodes', 200)
  await check('GET', '/v1/domains', '/v1/domains', 200)
  const shown = (await check('GET', '/v1/domains/{d}', '/v1/domains/a.test', 200)) as { spares: string[] }
  assert.deepEqual(shown.spares, ['green'])
  await check('GET', '/v1/domains/{d}', '/v1/domains/b.test', 200)
  await check('GET', '/v1/domains/{d}', '/v1/domains/c.test', 404)
  await check('GET', '/v1/domains/{d}', '/v1/domains/a.test?x=1', 400)
  await check('GET', '/v1/domains/{d}/instances', '/v1/domains/a.test/instances', 200)
  const explain = '/v1/domains/{d}/explain'
  await check('GET', explain, '/v1/domains/a.test/explain?from=u@x.test&to=a.test', 200)
  await check('GET', explain, '/v1/domains/a.test/explain?from=@&to=a.test', 400)
  const instance = '/v1/domains/{d}/instances/{name}'
  await check('POST', `${instance}/enable`, '/v1/domains/a.test/instances/red/enable', 409)
  await check('POST', `${instance}/kick`, '/v1/domains/a.test/instances/blue/kick', 202)
  await check('POST', `${instance}/drain`, '/v1/domains/a.test/instances/red/drain', 202)
  await check('POST', `${instance}/drain`, '/v1/domains/a.test/instances/nobody/drain', 404)
  await check('GET', '/v1/domains/{d}/quarantine', '/v1/domains/a.test/quarantine', 200)
  await check('DELETE', '/v1/domains/{d}/quarantine', '/v1/domains/a.test/quarantine', 204)
  await check('GET', '/v1/domains/{d}/sample', '/v1/domains/a.test/sample?seconds=1', 200)
  await check('GET', '/v1/domains/{d}/sample', '/v1/domains/c.test/sample?seconds=1', 404)
  const proposed = { balancing: { type: 'bare_source', component_number: 3 }, input: 'u@x.test\nv@x.test\n' }
  await check('POST', '/v1/domains/{d}/preview', '/v1/domains/a.test/preview', 200, proposed)
  await check('POST', '/v1/domains/{d}/preview', '/v1/domains/a.test/preview', 400, { balancing: 7 })
  await check('GET', '/v1/cluster/consistency', '/v1/cluster/consistency', 200)
  await check('POST', '/v1/reload', '/v1/reload', 200)
  await check('POST', '/v1/nodes/{node}/drain', '/v1/nodes/yard/drain', 202)
  await check('POST', '/v1/nodes/{node}/drain', '/v1/nodes/other/drain', 404)
  // The events have no end.
  const all = operationsOf(document).map(([name]) => name)
  assert.deepEqual(
    all.filter((name) => !answered.has(name)),
    ['GET /v1/events'],
  )
})
