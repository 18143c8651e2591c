/** The link of one domain on this node, as the metrics want it. */
export interface LinkNumbers {
  readonly name: string
  readonly counters: { readonly linksUnread: number }
  /** Null for a domain without upstream. */
  readonly linkUp: boolean | null
  /** It is for this node to have it: dialled here, up or not. */
  readonly linkWanted: boolean
}

/** Takes one sample: its value, then the domain. */
type Sample = (value: number, domain: string) => void

interface LinkMetric {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly help: string
  readonly read: (domain: LinkNumbers, sample: Sample) => void
}

/** The metrics of links, for the domains that have an upstream. */
export const linkMetrics: readonly LinkMetric[] = [
  {
    name: 'switchyard_link_up',
    type: 'gauge',
    help: '1 while the link of a domain with an upstream is up on this node, else 0.',
    read: ({ name, linkUp }, sample) => {
      if (linkUp !== null) sample(linkUp ? 1 : 0, name)
    },
  },
  {
    name: 'switchyard_link_wanted',
    type: 'gauge',
    help: '1 while it is for this node to have the link of a domain: it is up, or dialled; else 0.',
    read: ({ name, linkUp, linkWanted }, sample) => {
      if (linkUp !== null) sample(linkWanted ? 1 : 0, name)
    },
  },
  {
    name: 'switchyard_links_unread_total',
    type: 'counter',
    help: 'How often a link was ended with something unread that the server had sent, as another node may have had it by then (links: one).',
    read: ({ name, counters, linkUp }, sample) => {
      if (linkUp !== null) sample(counters.linksUnread, name)
    },
  },
]
