import { Redis } from 'ioredis'
import { MemoryServer } from '../../src/cluster/memory-server.ts'
import { MemoryStore } from '../../src/cluster/memory-store.ts'
import { startRedis } from '../peers/redis.ts'
import { clusterStoreSuite, type World } from './cluster-store.ts'
import { redisSubject } from './redis-world.ts'

const realTime = {
  now: () => performance.now(),
  later: (run: () => void, milliseconds: number) => {
    const timer = setTimeout(run, milliseconds)
    return () => clearTimeout(timer)
  },
}

function memoryWorld(): World {
  const server = new MemoryServer(realTime)
  return {
    client: async () => {
      const store = new MemoryStore(server)
      await store.open()
      return store
    },
    forget: async () => server.forget(),
  }
}

clusterStoreSuite('a store of the cluster in memory', async () => ({ world: memoryWorld, end: async () => {} }), 20)

clusterStoreSuite(
  'a store of the cluster in Redis',
  async () => {
    const redis = await startRedis()
    return redisSubject({ target: { urls: [redis.url] }, admins: [new Redis(redis.adminUrl)], stop: redis.stop })
  },
  20,
)
