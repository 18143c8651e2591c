/**
 * V8 collects garbage with up to four threads beside the main one. Where all of them share one core they do not help: the
 * scheduler has them and the main thread take turns of some milliseconds, so that with every collection of the old
 * generation all stanzas wait for ten milliseconds and more. Alone, the main thread does the same work in hundreds of
 * small steps, each within a fraction of a millisecond.
 */
const ALONE: readonly string[] = ['--no-concurrent-marking', '--no-parallel-scavenge']

/** The flags that V8's collector needs where the process may use so many cores. */
export function collectorFlags(cores: number): readonly string[] {
  return cores > 1 ? [] : ALONE
}
