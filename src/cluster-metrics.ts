/** What the metrics ask of a node's part in its cluster. */
export interface ClusterMetrics {
  /** Live ones, this one included. */
  readonly nodes: number
  /** The store can be reached. */
  readonly isUp: boolean
  readonly isSenior: boolean
  /** Its lease is valid. */
  readonly isHeld: boolean
  /** Of the routing table that is in force. */
  readonly epoch: number
  /** What waits in Redis or on the way there for each other node, by its name. */
  readonly inboxes: Iterable<{ readonly node: string; readonly bytes: number }>
}

/** A node without a cluster does all there is to do. */
export const alone: ClusterMetrics = { nodes: 1, isUp: true, isSenior: true, isHeld: true, epoch: 0, inboxes: [] }

interface ClusterGauge {
  readonly name: string
  readonly labels: readonly string[]
  readonly help: string
  /** Gives each sample as its value, then its label values in the order of the metric's labels. */
  readonly read: (cluster: ClusterMetrics, sample: (value: number, ...labelValues: string[]) => void) => void
}

/** The metrics of a node's part in its cluster. */
export const clusterGauges: readonly ClusterGauge[] = [
  {
    name: 'switchyard_cluster_nodes',
    labels: [],
    help: 'Live nodes of the cluster, this one included.',
    read: ({ nodes }, sample) => sample(nodes),
  },
  {
    name: 'switchyard_cluster_up',
    labels: [],
    help: '1 while the routing table can be read and changed, else 0.',
    read: ({ isUp }, sample) => sample(isUp ? 1 : 0),
  },
  {
    name: 'switchyard_cluster_senior',
    labels: [],
    help: '1 on the node that does what one node must, else 0.',
    read: ({ isSenior }, sample) => sample(isSenior ? 1 : 0),
  },
  {
    name: 'switchyard_cluster_held',
    labels: [],
    help: '1 while the lease of this node is valid, 0 while it is fenced and delivers nothing; always 1 without a cluster.',
    read: ({ isHeld }, sample) => sample(isHeld ? 1 : 0),
  },
  {
    name: 'switchyard_cluster_epoch',
    labels: [],
    help: 'The epoch of the routing table in force: the same on all nodes, but for moments; 0 without a cluster.',
    read: ({ epoch }, sample) => sample(epoch),
  },
  {
    name: 'switchyard_inbox_bytes',
    labels: ['node'],
    help: 'What this node has put into another one’s inbox and that has not ended; at most cluster.inbox_bytes.',
    read: ({ inboxes }, sample) => {
      for (const { node, bytes } of inboxes) sample(bytes, node)
    },
  },
]
