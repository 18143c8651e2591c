/** How long a link waits for what, in milliseconds. */
export const linkTiming = {
  /** For the connection, the TLS handshake and the server's certificate. */
  dial: 10_000,
  /** For the server's stream header, once connected. */
  header: 10_000,
  /** For the answer to the handshake. */
  handshake: 10_000,
  /** Without a byte from the server before it is probed: the probe leaves after one to two of these. */
  idle: 30_000,
  /** For a byte after a probe. */
  answer: 20_000,
  /** For the outbox to empty before an orderly stop, and for the server to close after our closing tag. */
  close: 1_000,
  /** Online for so long, a link is sound: the next wait is a short one again. */
  stable: 10_000,
  /** Before dialling again: from the first of these, doubling, to `most`. */
  retry: 1_000,
  /** The same after an error that only somebody's doing, or a timeout of the server, will cure. */
  patientRetry: 30_000,
  mostRetry: 60_000,
} as const
export type LinkTiming = { readonly [name in keyof typeof linkTiming]: number }
