import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { fastify } from 'fastify'
import { pageRoutes } from '../../src/admin/page-routes.ts'
import { problems } from '../../src/admin/problem.ts'
import { createLog } from '../../src/log.ts'
import { LogBook } from '../stub/log-book.ts'

const folder = new URL('../../src/admin/page/', import.meta.url)

function app(t: TestContext) {
  const made = fastify()
  problems(made, createLog({ level: 'info', node: 'yard-1' }, new LogBook()))
  pageRoutes(made)
  t.after(() => made.close())
  return (url: string, headers: Record<string, string> = {}, method: 'GET' | 'HEAD' | 'POST' = 'GET') =>
    made.inject({ method, url, headers })
}

test('the page and every file that it loads, by whatever way, are served with their types', async (t) => {
  const get = app(t)
  const page = await get('/')
  assert.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  const seen = new Set<string>()
  const wanted = [...page.body.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, path]) => path ?? '')
  assert.ok(wanted.length >= 5)
  for (let path = wanted.pop(); path !== undefined; path = wanted.pop()) {
    if (seen.has(path)) continue
    seen.add(path)
    const answer = await get(path)
    assert.equal(answer.statusCode, 200, path)
    if (!path.endsWith('.js')) continue
    assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8', path)
    for (const [, name = ''] of answer.body.matchAll(/\b(?:from|import)\s*["'](\.[^"']+)["']/g)) {
      wanted.push(posix.join(posix.dirname(path), name))
    }
  }
  // And nothing lies there that nobody loads.
  const own = readdirSync(folder).filter((name) => !/\.ts$|index\.html$/.test(name))
  assert.deepEqual(
    own.filter((name) => !seen.has(`/page/${name}`)),
    [],
  )
  assert.ok((await get('/page/reasons.json')).json().hold_expired.startsWith('held'))
})

test('[CSP 3] the page may run its own scripts only, ask its own node only, and be framed by nobody', async (t) => {
  const get = app(t)
  for (const path of ['/', '/page/main.js']) {
    const policy = String((await get(path)).headers['content-security-policy'])
    for (const rule of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"]) {
      assert.ok(policy.split(';').includes(rule), `${path}: ${policy}`)
    }
    assert.match(policy, /frame-ancestors 'none'/)
    assert.doesNotMatch(policy, /unsafe|\*|https?:/)
  }
  const html = readFileSync(new URL('index.html', folder), 'utf8')
  assert.doesNotMatch(html, /<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=|https?:/)
})

test('[RFC 9110 §13.1.2] a copy is asked about each time, and is not sent again where it is the right one', async (t) => {
  const get = app(t)
  const first = await get('/page/style.css')
  assert.equal(first.headers['cache-control'], 'no-cache')
  const etag = String(first.headers.etag)
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await get('/page/style.css', { 'if-none-match': known })
    assert.deepEqual([again.statusCode, again.body], [304, ''], known)
  }
  assert.equal((await get('/page/style.css', { 'if-none-match': '"other"' })).statusCode, 200)
})

test('[RFC 9110 §12.5.3] it comes packed to those who take gzip, and to no others', async (t) => {
  const get = app(t)
  const plain = await get('/page/main.js')
  assert.equal(plain.headers['content-encoding'], undefined)
  for (const takes of ['gzip', 'br, gzip;q=0.8', 'GZIP']) {
    const packed = await get('/page/main.js', { 'accept-encoding': takes })
    assert.equal(packed.headers['content-encoding'], 'gzip', takes)
    assert.equal(gunzipSync(packed.rawPayload).toString(), plain.body)
  }
  for (const refuses of ['br', 'gzip;q=0', 'gzip; q=0.0, br', 'xgzip']) {
    assert.equal(
      (await get('/page/main.js', { 'accept-encoding': refuses })).headers['content-encoding'],
      undefined,
      refuses,
    )
  }
})

test('no other file can be had, whatever the path says', async (t) => {
  const get = app(t)
  for (const path of [
    ...['/page/', '/page/index.html', '/page/../page-routes.ts', '/page/..%2fpage-routes.ts', '/page/%2e%2e/token.ts'],
    ...['/page/lit-html/package.json', '/page//etc/passwd', '/page/..\\token.ts', '/page/main.js/'],
  ]) {
    assert.equal((await get(path)).statusCode, 404, path)
  }
  assert.equal((await get('/', {}, 'POST')).statusCode, 405)
  assert.equal((await get('/', {}, 'HEAD')).body, '')
})
