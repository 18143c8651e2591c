/** A key that is known to be heavy, in normal form, and its share of the domain's traffic in percent. */
export interface HotKey {
  readonly key: string
  readonly percent: number
}
