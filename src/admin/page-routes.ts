import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bounceReasons, dropReasons } from '../counters.ts'
import { readOnly } from './problem.ts'

/** What of the libraries the page loads: their own files, from where npm has put them. */
const libraries: Readonly<Record<string, string>> = {
  'lit-html/lit-html.js': 'lit-html/lit-html.js',
  'lit-html/directive.js': 'lit-html/directive.js',
  'lit-html/directive-helpers.js': 'lit-html/directive-helpers.js',
  'lit-html/directives/live.js': 'lit-html/directives/live.js',
  'lit-html/directives/repeat.js': 'lit-html/directives/repeat.js',
  'uplot.js': 'uplot/dist/uPlot.esm.js',
  'uplot.css': 'uplot/dist/uPlot.min.css',
}

/** Our own files. The list is closed: nothing of a request's path ever becomes the path of a file. */
const own: readonly string[] = [
  ...['style.css', 'icon.svg', 'theme.js', 'main.js', 'actions.js', 'api.js', 'buckets.js', 'charts.js', 'colours.js'],
  ...['consequences.js', 'dialogs.js', 'domain.js', 'events.js', 'findings.js', 'focus.js', 'format.js', 'history.js'],
  ...['icons.js', 'instances.js', 'lit.js', 'live.js', 'nodes.js', 'preview.js', 'shell.js', 'store.js', 'toasts.js'],
  ...['tools.js', 'ui.js'],
]

const types: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  json: 'application/json; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

/**
 * What the page may do: load its own files, ask its own node. No inline script or style, no other origin, and what is
 * made into HTML is made by lit-html alone.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types lit-html',
].join(';')

interface Asset {
  readonly type: string
  readonly etag: string
  readonly plain: Buffer
  readonly packed: Buffer
}

/** Mounts the page and its files. Each is read when it is first asked for: a node that nobody looks at has none of them. */
export function pageRoutes(app: FastifyInstance): void {
  const ownFile = (name: string) => () => readFile(fileURLToPath(new URL(`page/${name}`, import.meta.url)))
  mount(app, '/', ownFile('index.html'), 'html')
  for (const name of own) mount(app, `/page/${name}`, ownFile(name), extensionOf(name))
  for (const [name, file] of Object.entries(libraries)) {
    mount(app, `/page/${name}`, () => readFile(libraryFile(file)), extensionOf(name))
  }
  mount(
    app,
    '/page/reasons.json',
    async () => Buffer.from(JSON.stringify({ ...bounceReasons, ...dropReasons })),
    'json',
  )
}

/** Where npm has put a file of a library: what the library exports by that name may be another one, for Node. */
function libraryFile(file: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(file) ?? []
  const found = folders.map((folder) => join(folder, file)).find((path) => existsSync(path))
  if (found === undefined) throw new Error(`${file} is in none of ${folders.join(', ')}`)
  return found
}

function mount(app: FastifyInstance, url: string, read: () => Promise<Buffer>, type: string): void {
  let asset: Promise<Asset> | undefined
  // The document of the interface is about what programs ask.
  app.get(url, { schema: { hide: true } }, async (request, reply) => {
    asset ??= load(read, types[type] ?? 'application/octet-stream')
    return send(request, reply, await asset)
  })
  readOnly(app, [url])
}
async function load(read: () => Promise<Buffer>, type: string): Promise<Asset> {
  const plain = await read()
  const etag = `"${createHash('sha256').update(plain).digest('base64url').slice(0, 22)}"`
  return { type, etag, plain, packed: await promisify(gzip)(plain) }
}

/** A browser asks each time whether its copy is the right one, so that no page of one release runs with scripts of another. */
function send(request: FastifyRequest, reply: FastifyReply, { type, etag, plain, packed }: Asset): FastifyReply {
  reply.header('content-security-policy', policy).header('cache-control', 'no-cache')
  reply.header('etag', etag).header('vary', 'accept-encoding')
  const known = (request.headers['if-none-match'] ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''))
  if (known.includes(etag) || known.includes('*')) return reply.code(304).send()
  reply.type(type)
  const takesGzip = /(?:^|[\s,])gzip(?!\s*;\s*q=0(?:\.0*)?(?:\s|,|$))/i.test(String(request.headers['accept-encoding']))
  return takesGzip ? reply.header('content-encoding', 'gzip').send(packed) : reply.send(plain)
}

function extensionOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}
