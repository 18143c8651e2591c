import type { Redis } from 'ioredis'
import type { RedisTarget } from '../../src/cluster/redis-client.ts'
import { RedisStore } from '../../src/cluster/redis-store.ts'
import type { Subject, World } from './cluster-store.ts'

export interface RedisSubject {
  readonly target: RedisTarget
  /** One for each server that keeps something. */
  readonly admins: readonly Redis[]
  stop(): Promise<unknown>
}

/** Stores in a real Redis. Each world has a prefix of its own, so all can be in one. */
export function redisSubject({ target, admins, stop }: RedisSubject): Subject {
  const stores: RedisStore[] = []
  let worlds = 0
  const onAll = async (run: (admin: Redis) => Promise<unknown>): Promise<void> => {
    await Promise.all(admins.map(run))
  }
  return {
    world: (): World => {
      const prefix = `test:${++worlds}:`
      return {
        client: async () => {
          const store = new RedisStore({ ...target, prefix })
          stores.push(store)
          await store.open()
          return store
        },
        forget: () => onAll((admin) => admin.flushall()),
      }
    },
    end: async () => {
      for (const store of stores) store.close()
      for (const admin of admins) admin.disconnect()
      await stop()
    },
  }
}
