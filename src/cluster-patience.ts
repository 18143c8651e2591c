import { setTimeout as pause } from 'node:timers/promises'
import type { ClusterMember } from './cluster-member.ts'

/** What is on its way here comes within so many milliseconds. */
const QUIET_MILLISECONDS = 50

/** All that was proposed before is in the table, or this life has ended, or the deadline (`performance.now()`) has come. */
export async function granted({ membership }: ClusterMember, deadline: number): Promise<void> {
  const over = pause(Math.max(0, deadline - performance.now()), undefined, { ref: false })
  await Promise.race([membership.propose(() => {}).catch(() => {}), over])
}

/** All that other nodes had sent here has ended, or the deadline (`performance.now()`) has come. */
export async function quiet({ post }: ClusterMember, deadline: number): Promise<void> {
  for (let looks = 0; looks < 2 && performance.now() < deadline; ) {
    await pause(QUIET_MILLISECONDS)
    looks = post.isIdle ? looks + 1 : 0
  }
}

/** All that was given to other nodes has been confirmed, or the deadline (`performance.now()`) has come. */
export async function emptied({ registry, links }: ClusterMember, deadline: number): Promise<void> {
  const streams = [...[...registry.remotes.keys()].map(({ stream }) => stream), ...links.ways]
  await Promise.all(streams.map(({ outbox }) => outbox.passed(deadline - performance.now())))
}
