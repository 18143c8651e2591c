import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summary } from '../../config/summary.ts'
import { filesOf, listening, load, problemsOf } from './loading.ts'

const cluster = (text: string): string => `${listening}cluster: {${text}}\n`

/** What is loaded of a valid `cluster`. */
function loaded(text: string, files: Readonly<Record<string, string>> = {}) {
  const { config, problems } = load(cluster(text), { readFile: filesOf(files), env: { PASSWORD: 'hunter2' } })
  assert.ok(config?.cluster !== undefined, JSON.stringify(problems))
  return { config, cluster: config.cluster }
}

test('several URLs are a Redis Cluster, or with a name sentinels, and no password of them is shown', () => {
  const urls = `redis: ["redis://yard:\${PASSWORD}@one:7000", "redis://yard:hunter3@two"]`
  const plain = loaded(urls)
  assert.deepEqual(plain.cluster.redis, ['redis://yard:hunter2@one:7000', 'redis://yard:hunter3@two'])
  assert.match(summary(plain.config), /^ {2}Redis Cluster {2}redis:\/\/one:7000 redis:\/\/two {2}switchyard: {2}/m)
  const watched = loaded(`${urls}, sentinel: mymaster`)
  assert.equal(watched.cluster.sentinel, 'mymaster')
  assert.match(summary(watched.config), /^ {2}sentinels of mymaster {2}redis:\/\/one:7000 redis:\/\/two {2}/m)
  assert.doesNotMatch(summary(plain.config) + summary(watched.config), /hunter|yard:h/)
})

test('the authority that rediss is to trust is a file beside the configuration, and must be there', () => {
  const trusting = 'redis: "rediss://cache", ca: tls/ca.pem'
  assert.equal(loaded(trusting, { 'etc/tls/ca.pem': 'PEM' }).cluster.ca, 'etc/tls/ca.pem')
  assert.deepEqual(problemsOf(cluster(trusting)), [
    '3:40 cluster.ca: names "tls/ca.pem", which cannot be read: no such file (ENOENT)',
  ])
  assert.deepEqual(problemsOf(cluster('redis: "redis://cache", ca: ca.pem'), { readFile: () => 'PEM' }), [
    '3:35 cluster.ca: has no effect on redis://: write rediss:// or leave it out',
  ])
})

test('one wrong URL of several is shown by its place and not by its text', () => {
  assert.deepEqual(problemsOf(cluster('redis: ["redis://one", "redis://:hunter2@"]')), [
    '3:34 cluster.redis[1]: must be redis://host:port or rediss://host:port, with user:password@ before the host where Redis wants them, not a URL whose host, port or path is none of a Redis',
  ])
  for (const none of ['[]', '7', '{a: b}', '[7]']) {
    const [problem, ...others] = problemsOf(cluster(`redis: ${none}`))
    assert.match(
      problem ?? '',
      /^3:18 cluster\.redis: must be redis:.*, or a list of such, not (a|an) (empty )?\w+$/,
      none,
    )
    assert.deepEqual(others, [])
  }
})

test('URLs that cannot be of one Redis are refused', () => {
  assert.deepEqual(problemsOf(cluster('redis: ["redis://one", "rediss://two"]')), [
    '3:18 cluster.redis: must have redis:// in all its URLs, or rediss:// in all',
  ])
  const numbered = 'redis: ["redis://x:hunter2@one/0", "redis://two/3"]'
  assert.deepEqual(problemsOf(cluster(numbered)), [
    '3:18 cluster.redis: has a database number in redis://two/3, and a Redis Cluster has no databases',
  ])
  assert.deepEqual(problemsOf(cluster(`${numbered}, sentinel: mymaster`)), [])
})

test('a key prefix has no braces, which would say where Redis Cluster keeps the keys', () => {
  assert.deepEqual(problemsOf(cluster('redis: "redis://one", key_prefix: "{yard}:"')), [
    '3:45 cluster.key_prefix: must be 1 to 100 characters without spaces and braces, not "{yard}:"',
  ])
})

test('delivery: journal wants a cluster', () => {
  const text = (rest: string) => `listen: [{port: 1}]\ndomains: {a.example: {secret: x, delivery: journal}}\n${rest}`
  assert.deepEqual(problemsOf(text('')), [
    '2:44 domains."a.example".delivery: is journal, which needs cluster: {redis: redis://…}',
  ])
  assert.deepEqual(problemsOf(text('cluster: {redis: "redis://one"}')), [])
  // A cluster that is wrong is one message, not two.
  assert.equal(problemsOf(text('cluster: {redis: 7}')).length, 1)
})

test('an inbox has room for the largest stanza', () => {
  assert.deepEqual(problemsOf(`${cluster('redis: "redis://one", inbox_bytes: 1MiB')}limits: {stanza_bytes: 2MiB}\n`), [
    '3:46 cluster.inbox_bytes: must be no less than limits.stanza_bytes, 2097152, not 1048576',
  ])
})
