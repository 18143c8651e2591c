/**
 * V8 collects garbage with up to four threads beside the main one. Where all of them share one core they do not help: the
 * scheduler has them and the main thread take turns of some milliseconds, so that with every collection of the old
 * generation all stanzas wait for ten milliseconds and more. Alone, the main thread does the same work in hundreds of
 * small steps, each within a fraction of a millisecond.
 */
const ALONE: readonly string[] = ['--no-concurrent-marking', '--no-parallel-scavenge']

/**
 * New objects have two halves of 4 MiB, which is what they have grown to once the commands are loaded, and not the 16 MiB each
 * that a load of any kind would make them grow to, and that are never given back. Nothing is slower for it: little of
 * what a stanza leaves behind lives for longer than a turn. V8 reads this when it would let them grow.
 */
const SMALL = '--semi-space-growth-factor=1'

/** The flags that V8's collector needs where the process may use so many cores. They are set while it runs. */
export function collectorFlags(cores: number): readonly string[] {
  return cores > 1 ? [SMALL] : [...ALONE, SMALL]
}
