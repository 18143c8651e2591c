import type { LinkTenure } from './link-tenure.ts'
import type { RemoteStream } from './remote-stream.ts'

/** Who holds the one link of a domain (`links: one`) in a cluster: `here`, another node, or nobody yet. */
export type LinkHolder = 'here' | RemoteStream | undefined

/** Settles among the nodes of a cluster who dials for a domain. */
export interface LinkLeases {
  /** Of the links that are held by these. */
  readonly tenure: LinkTenure
  /** A domain's one link is wanted: `Links.assign` says who has it. */
  want(domain: string): LinkHolder
  /** It has been asked for, and not been granted yet. */
  isClaiming(domain: string): boolean
}
