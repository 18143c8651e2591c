// The node's events, as they come; and the state of the connection.

/** What the node tells, besides `stats`: the events of src/events.ts, and how many were missed. */
export const names = [
  ...['node_joined', 'node_left', 'senior', 'cluster_joined', 'cluster_left', 'cluster_up', 'cluster_down'],
  ...['cluster_absent', 'estate_missing'],
  ...['cluster_fenced', 'cluster_unfenced', 'cluster_lost', 'cluster_seeded', 'estate_claimed', 'estate_settled'],
  ...['inbox_full', 'journal_full', 'instance_joined', 'instance_left', 'instance_stalled', 'instance_unstalled'],
  ...['instance_suspect', 'bucket_moved', 'bucket_unassigned', 'hold_started', 'hold_released', 'hold_expired'],
  ...['link_up', 'link_down', 'link_claimed', 'link_yielded', 'drain_started', 'drain_done', 'drain_cancelled'],
  ...['config_reloaded', 'config_refused', 'stopping', 'dropped'],
]
/** A browser gives up on an answer that is no stream, as of a proxy while the node restarts: then we ask again. */
const AGAIN_MS = 2000

/**
 * @param {object} on
 * @param {() => void} on.open
 * @param {() => void} on.lost
 * @param {(name: string, fields: any) => void} on.event
 */
export function listen(on) {
  /** @type {EventSource | undefined} */
  let source
  const dial = () => {
    const own = new EventSource('/v1/events')
    source = own
    own.addEventListener('open', () => on.open())
    own.addEventListener('error', () => {
      on.lost()
      if (own.readyState === EventSource.CLOSED) setTimeout(dial, AGAIN_MS)
    })
    for (const name of names) {
      own.addEventListener(name, (/** @type {MessageEvent} */ { data }) => on.event(name, JSON.parse(data)))
    }
  }
  dial()
  // A page that is left and kept would hold one of the node's sixteen readers.
  addEventListener('pagehide', () => source?.close())
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) dial()
  })
}
