import { type DemoName, demoBuckets, demoDomains, type LogLine } from './demo-node.ts'

/** A line of the node's log in words for who watches the demo; undefined for one that says nothing to them. */
export function eventText(line: LogLine): string | undefined {
  const { code, domain, instance, bucket, place, stanzas } = line
  if (code === 'bug') return `the node has met a bug: ${JSON.stringify(line)}`
  if (domain !== demoDomains.echo) return undefined
  switch (code) {
    case 'instance-joined':
      return `${instance} joined and has bucket ${bucket}`
    case 'instance-left':
      return `the node saw ${instance}'s stream end${owed(line)}`
    case 'bucket-unassigned':
      return `bucket ${bucket} has no instance: what its users send is held`
    case 'hold-released':
      return `${stanzas} held stanzas of bucket ${place} went to ${ownerOf(place)}, in order`
    case 'hold-expired':
      return `${stanzas} stanzas were held for too long and bounced`
    default:
      return undefined
  }
}

function owed({ bounced }: LogLine): string {
  return typeof bounced === 'number' && bounced > 0 ? `, and bounced ${bounced} requests that it had not answered` : ''
}

function ownerOf(bucket: unknown): string {
  const names = Object.keys(demoBuckets) as readonly DemoName[]
  return names.find((name) => demoBuckets[name] === bucket) ?? 'its instance'
}
