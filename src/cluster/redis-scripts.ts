import type { Cluster, Redis, Result } from 'ioredis'
import type { Closing, Incarnation } from './cluster-store.ts'

/*
 * What must happen as one step, in Lua. The keys of the table are always, in this order: epoch, fields, leases, changes;
 * they share a hash tag. Time is the server's. Those that write may do so when memory is full (`allow-oom`): what they
 * write is little, and nodes must not be taken for dead because inboxes are full.
 */

/** So many changes are remembered. */
const CHANGES = 1000
/** A larger one is not: who needs it fetches the whole table. So the log takes 16 MiB at most. */
export const LOGGED_BYTES = 16 * 1024

const now = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`

/** Arguments: me, milliseconds. Answers: whether `me` has a lease, the epoch, who has one that has run out. */
const renew = `#!lua flags=allow-oom
${now}
local isMember = redis.call('HEXISTS', KEYS[3], ARGV[1])
if isMember == 1 then redis.call('HSET', KEYS[3], ARGV[1], now + ARGV[2]) end
local answer = { isMember, tonumber(redis.call('GET', KEYS[1]) or 0) }
local leases = redis.call('HGETALL', KEYS[3])
for i = 1, #leases, 2 do
  if leases[i] ~= ARGV[1] and tonumber(leases[i + 1]) <= now then answer[#answer + 1] = leases[i] end
end
return answer
`

/** Arguments: me, epoch, delta as JSON, milliseconds of the first lease or 0, 1 if `me` leaves, whose leases have run out. */
const commit = `#!lua flags=allow-oom
${now}
local me = ARGV[1]
local epoch = tonumber(redis.call('GET', KEYS[1]) or 0)
local asked = tonumber(ARGV[2])
local lease = tonumber(ARGV[4])
if epoch < asked then return { 'stale', epoch } end
if lease == 0 and redis.call('HEXISTS', KEYS[3], me) == 0 then return { 'fenced' } end
if epoch ~= asked then return { 'stale', epoch } end
for i = 6, #ARGV do
  local until_ = redis.call('HGET', KEYS[3], ARGV[i])
  if until_ and tonumber(until_) > now then return { 'alive', ARGV[i] } end
end
local delta = cjson.decode(ARGV[3])
if epoch == 0 then redis.call('DEL', KEYS[2], KEYS[3], KEYS[4]) end
epoch = redis.call('INCR', KEYS[1])
local logged = ''
if #ARGV[3] <= ${LOGGED_BYTES} then logged = ARGV[3] end
redis.call('XADD', KEYS[4], 'MAXLEN', '~', ${CHANGES}, epoch .. '-0', 'd', logged)
for i = 1, #delta, 2 do
  if delta[i + 1] == cjson.null then
    redis.call('HDEL', KEYS[2], delta[i])
  else
    redis.call('HSET', KEYS[2], delta[i], delta[i + 1])
  end
end
for i = 6, #ARGV do redis.call('HDEL', KEYS[3], ARGV[i]) end
if lease > 0 then redis.call('HSET', KEYS[3], me, now + lease) end
if ARGV[5] == '1' then redis.call('HDEL', KEYS[3], me) end
return { 'done', epoch }
`

/** Arguments: epoch, 0 for all fields. Answers: the epoch, then 0 and the deltas since, or 1 and all fields. */
const changes = `#!lua flags=no-writes
local epoch = tonumber(redis.call('GET', KEYS[1]) or 0)
local since = tonumber(ARGV[1])
if epoch == 0 then return { 0, 1, {} } end
if since > 0 and since <= epoch and epoch - since <= ${CHANGES} then
  local deltas = {}
  for _, entry in ipairs(redis.call('XRANGE', KEYS[4], (since + 1) .. '-0', epoch .. '-0')) do
    if entry[2][2] ~= '' then deltas[#deltas + 1] = entry[2][2] end
  end
  if #deltas == epoch - since then return { epoch, 0, deltas } end
end
return { epoch, 1, redis.call('HGETALL', KEYS[2]) }
`

/** Arguments: epoch, fields as JSON, milliseconds of the leases, members. Answers: 1 if it has been done. */
const seed = `#!lua flags=allow-oom
${now}
local epoch = tonumber(redis.call('GET', KEYS[1]) or 0)
if epoch >= tonumber(ARGV[1]) then return 0 end
epoch = ARGV[1] + 1
local fields = cjson.decode(ARGV[2])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
redis.call('SET', KEYS[1], string.format('%.0f', epoch))
redis.call('XADD', KEYS[4], string.format('%.0f-0', epoch), 'd', '')
for i = 1, #fields, 2 do redis.call('HSET', KEYS[2], fields[i], fields[i + 1]) end
for i = 4, #ARGV do redis.call('HSET', KEYS[3], ARGV[i], now + ARGV[3]) end
return 1
`

/** Key: the inbox. Arguments: seconds until it goes by itself. A stream with nothing in it can only be made so. */
const open = `#!lua flags=allow-oom
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('XDEL', KEYS[1], redis.call('XADD', KEYS[1], '*', 'b', ''))
end
return redis.call('EXPIRE', KEYS[1], ARGV[1])
`

/** Key: the inbox. Answers: a `Closing`. */
const close = `#!lua
if redis.call('XLEN', KEYS[1]) > 0 then return 'full' end
if redis.call('DEL', KEYS[1]) == 0 then return 'missing' end
return 'closed'
`

type Text = string | Buffer
/** Epoch, fields, leases, changes. */
export type TableKeys = readonly [Text, Text, Text, Text]

declare module 'ioredis' {
  interface RedisCommander<Context> {
    tableRenew(
      ...args: [...TableKeys, me: Incarnation, milliseconds: number]
    ): Result<[number, number, ...string[]], Context>
    tableCommit(
      ...args: [
        ...TableKeys,
        me: string,
        epoch: number,
        delta: string,
        lease: number,
        leaves: number,
        ...expired: string[],
      ]
    ): Result<['done' | 'stale', number] | ['fenced'] | ['alive', string], Context>
    tableChanges(...args: [...TableKeys, epoch: number]): Result<[number, 0 | 1, string[]], Context>
    tableSeed(
      ...args: [...TableKeys, epoch: number, fields: string, milliseconds: number, ...members: string[]]
    ): Result<number, Context>
    inboxOpen(key: string, seconds: number): Result<number, Context>
    inboxClose(key: string): Result<Closing, Context>
  }
}

/** Makes the scripts commands of this client: sent by their digest, and whole where the server does not have them. */
export function defineScripts(client: Redis | Cluster): void {
  for (const [name, lua] of Object.entries({
    tableRenew: renew,
    tableCommit: commit,
    tableChanges: changes,
    tableSeed: seed,
  })) {
    client.defineCommand(name, { lua, numberOfKeys: 4 })
  }
  client.defineCommand('inboxOpen', { lua: open, numberOfKeys: 1 })
  client.defineCommand('inboxClose', { lua: close, numberOfKeys: 1 })
}
