import type { Instances } from './instances.ts'
import type { Links } from './links.ts'
import type { Source } from './stream/outbox.ts'

/** All that brings stanzas now. */
export function* sourcesOf(instances: Instances, links: Links): Generator<Source> {
  for (const { stream } of instances.all.keys()) yield stream
  for (const { link } of links.all()) yield link
}
