/** What waits in one domain on this node, as the metrics want it. */
export interface WaitingNumbers {
  readonly name: string
  /** Stanzas that have been received and have not ended yet. */
  readonly held: number
  /** Bytes that wait for an instance, and how many may. */
  readonly holdBytes: number
  readonly holdLimit: number
  /** Of those that are held, how many the store does not have; null where it is to have none. */
  readonly holdUnsaved: number | null
  /** Bytes that each instance has been written and has not confirmed. */
  readonly windows: Iterable<{ readonly name: string; readonly bytes: number }>
}

/** Takes one sample: its value, then its label values in the order of the metric's labels. */
type Sample = (value: number, ...labelValues: string[]) => void

interface WaitingGauge {
  readonly name: string
  readonly labels: readonly string[]
  readonly help: string
  readonly read: (domain: WaitingNumbers, sample: Sample) => void
}

/** The metrics of what waits: in the hold, in the windows, and all together. */
export const waitingGauges: readonly WaitingGauge[] = [
  {
    name: 'switchyard_stanzas_held',
    labels: ['domain'],
    help: 'Stanzas that have been received and wait.',
    read: ({ name, held }, sample) => sample(held, name),
  },
  {
    name: 'switchyard_hold_bytes',
    labels: ['domain'],
    help: 'Bytes that are held because no instance can take them.',
    read: ({ name, holdBytes }, sample) => sample(holdBytes, name),
  },
  {
    name: 'switchyard_hold_limit_bytes',
    labels: ['domain'],
    help: 'How many may be: hold.bytes of the domain.',
    read: ({ name, holdLimit }, sample) => sample(holdLimit, name),
  },
  {
    name: 'switchyard_hold_unsaved',
    labels: ['domain'],
    help: 'Held stanzas that Redis does not have yet, for a domain with hold.store redis.',
    read: ({ name, holdUnsaved }, sample) => {
      if (holdUnsaved !== null) sample(holdUnsaved, name)
    },
  },
  {
    name: 'switchyard_window_bytes',
    labels: ['domain', 'instance'],
    help: 'Bytes that an instance has been sent and has not confirmed.',
    read: ({ name, windows }, sample) => {
      for (const window of windows) sample(window.bytes, name, window.name)
    },
  },
]
