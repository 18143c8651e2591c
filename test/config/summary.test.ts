import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summary } from '../../config/summary.ts'
import { load } from './loading.ts'

test('a summary says who listens, what is served and how, in columns and without a secret', () => {
  const { config } = load(`
node: yard-1
listen:
  - {port: 5347}
  - {host: '::1', port: 5348, domains: [a.example, long-name.example]}
  - {port: 5349, proxy_protocol: true, from: [192.0.2.0/24, '::1']}
domains:
  a.example: {secrets: [hunter2, hunter3]}
  long-name.example:
    instances: {b: {secret: hunter4}}
    when_unassigned: spill
    upstream: {service: 'xmpp://server:5275', secret: hunter5}
  c.example: {secret: hunter6, delivery: journal, hold: {seconds: 86400, bytes: 1GiB, store: redis}}
  d.example: {secret: hunter10, hash: erlang_phash2}
  switchyard.localhost: {upstream: {service: 'xmpp://server', secret: hunter7, links: each}}
domain_balancing:
  long-name.example: {type: bare_source, component_number: 3}
  c.example: {type: destination}
  d.example: {type: source, component_number: 5}
admin: {token: hunter8}
cluster: {redis: 'redis://yard:hunter9@cache.example:6380/1', key_prefix: 'test:'}
`)
  assert.ok(config !== undefined)
  assert.equal(
    summary(config),
    `node
  yard-1  switchyard.localhost  log info
listen
  127.0.0.1:5347  tcp          every domain
  [::1]:5348      tcp          a.example long-name.example
  127.0.0.1:5349  proxied tcp  every domain                 from 192.0.2.0/24 ::1
domains
  a.example             2 secrets         random, local first                     hold 10 s, 16MiB              no upstream
  long-name.example     1 named instance  bare_source over 3 buckets              spill                         xmpp://server:5275 (links: one)
  c.example             1 secret          destination over all instances          hold 86400 s, 1GiB, in Redis  no upstream                      journal
  d.example             1 secret          source over 5 buckets by erlang_phash2  hold 10 s, 16MiB              no upstream
  switchyard.localhost  our own address   -                                       hold 10 s, 16MiB              xmpp://server (links: each)
cluster
  one Redis  redis://cache.example:6380/1  test:  inboxes of 64MiB
admin
  http://127.0.0.1:9090  token
`,
  )
})
