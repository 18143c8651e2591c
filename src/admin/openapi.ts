import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { Type } from '../../config/type.ts'
import { described, tags } from './described.ts'
import { readOnly } from './problem.ts'
import { StatsView } from './view.ts'

/** Serves the OpenAPI 3.1 document, made of the schemas of the routes that are mounted after this. */
export async function openapi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Switchyard',
        version,
        description: 'What a node shows, and what it may be asked to do. Errors are problems (RFC 9457).',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
      components: {
        schemas: { StatsView: { ...StatsView } as object },
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: '`admin.token` of the configuration' },
        },
      },
    },
  })
  const schema = described({
    summary: 'This interface, as an OpenAPI 3.1 document.',
    tag: 'node',
    answers: { 200: Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true }) },
  })
  app.get('/openapi.json', { schema }, async (_request, reply) => {
    // As text: it is the same as long as the node runs, and no schema of ours shapes it.
    text ??= JSON.stringify(app.swagger())
    return reply.type('application/json; charset=utf-8').send(text)
  })
  let text: string | undefined
  readOnly(app, ['/openapi.json'])
}
