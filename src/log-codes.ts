export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal'

type LogCodeSpec = { readonly level: LogLevel; readonly means: string; readonly todo: string }

/** Every event that is logged: its level, what it means, and what to do about it. The code is stable, the text is not. */
export const logCodes = {
  ready: { level: 'info', means: 'The node serves.', todo: 'Nothing.' },
  listening: { level: 'info', means: 'A port is open for instances.', todo: 'Nothing.' },
  'admin-listening': { level: 'info', means: 'The admin port is open.', todo: 'Nothing.' },
  'scanner-plain': {
    level: 'warn',
    means:
      'The scanner in WebAssembly does not run here, so all stanzas are read by the plain one, which takes several times as long.',
    todo: 'If its file is missing, run `npm run build`; else use a Node and a processor with WebAssembly and its SIMD.',
  },
  'config-refused': {
    level: 'error',
    means: 'A reload found problems in the configuration; the one before stays in force.',
    todo: 'Mend what is listed, then reload; `switchyard check` lists it too.',
  },
  'admin-action': { level: 'info', means: 'Somebody with the token asked for something.', todo: 'Nothing.' },
  'config-reloaded': { level: 'info', means: 'A new configuration is in force.', todo: 'Nothing.' },
  'instance-joined': { level: 'info', means: 'An instance has authenticated and takes stanzas.', todo: 'Nothing.' },
  'instance-left': {
    level: 'info',
    means: 'The stream of an instance has ended.',
    todo: 'Nothing, unless it should run.',
  },
  'instance-refused': {
    level: 'warn',
    means: 'A stream was refused before it became an instance: wrong name, secret or namespace, or its name is in use.',
    todo: "Compare the domain and the secret of the instance with the node's configuration.",
  },
  'stream-error': {
    level: 'warn',
    means: 'A stream was ended by a stream error, ours or the peer’s.',
    todo: 'Look at `condition`: it says which side broke which rule (RFC 6120 §4.9.3).',
  },
  'link-up': { level: 'info', means: 'The XMPP server has accepted the link of a domain.', todo: 'Nothing.' },
  'link-down': {
    level: 'warn',
    means: 'The link of a domain is lost; instances stay, and what they send waits.',
    todo: 'Look at `reason`, and at the log of the XMPP server.',
  },
  'link-retry': {
    level: 'info',
    means: 'A link is dialled again after the pause that `seconds` gives.',
    todo: 'If it goes on: compare service and secret with the XMPP server.',
  },
  'bucket-unassigned': {
    level: 'warn',
    means: 'A bucket has no instance; when_unassigned says what its stanzas meet.',
    todo: 'Start another instance, or lower component_number.',
  },
  'bucket-moved': { level: 'info', means: 'A bucket has a new holder.', todo: 'Nothing.' },
  'hold-started': {
    level: 'info',
    means: 'Stanzas of a bucket or a domain wait for an instance.',
    todo: 'Nothing yet.',
  },
  'hold-released': { level: 'info', means: 'What was held went to an instance, in order.', todo: 'Nothing.' },
  'hold-expired': {
    level: 'warn',
    means: 'No instance came in time: what was held was bounced, or dropped where a bounce is forbidden.',
    todo: 'Start an instance, or raise hold.seconds and hold.bytes.',
  },
  'hold-restored': {
    level: 'info',
    means: 'What was held when the node ended was found in Redis, and waits or goes on, in order.',
    todo: 'Nothing.',
  },
  'hold-store-down': {
    level: 'warn',
    means: 'Redis does not take what is held: until it does, that is held in memory only.',
    todo: 'Look at `reason`, at Redis, and at cluster.redis.',
  },
  'hold-store-up': {
    level: 'info',
    means: 'Redis takes what is held again, and is told what it missed.',
    todo: 'Nothing.',
  },
  'hold-store-shared': {
    level: 'error',
    means: 'Somebody else writes what this node holds for a domain: it would be delivered twice.',
    todo: 'Stop the other node, or give it another cluster.key_prefix.',
  },
  'hold-entry-unreadable': {
    level: 'error',
    means: 'An entry in Redis is none of ours, of another release, or larger than the limits allow; it stays there.',
    todo: 'Look at it by its `id`, with XRANGE; remove it with XDEL.',
  },
  'instance-stalled': {
    level: 'warn',
    means: 'An instance accepts nothing while much waits for it; its stanzas are held.',
    todo: 'Look at the instance: it hangs, or is too slow for its share.',
  },
  'instance-unstalled': { level: 'info', means: 'A stalled instance accepts stanzas again.', todo: 'Nothing.' },
  'instance-suspect': {
    level: 'warn',
    means: 'An instance has not answered a ping for a while: it gets no new bucket, and is closed if that goes on.',
    todo: 'Look at the instance: it hangs, or its network does.',
  },
  'instance-unconfirmed': {
    level: 'warn',
    means: 'An instance has never answered a ping: it is served at most once.',
    todo: 'Let its library answer XEP-0199 pings; or refuse it with require_confirmation.',
  },
  'stanza-quarantined': {
    level: 'error',
    means: 'A stanza closed every instance that it was given to; it was bounced, and kept to be read.',
    todo: 'Read it at /v1/domains/{d}/quarantine, and mend what dies of it.',
  },
  'drain-started': { level: 'info', means: 'An instance or the node gets no new stanzas.', todo: 'Nothing.' },
  'drain-done': {
    level: 'info',
    means: 'A drain has ended; `unanswered` says what it did not wait for.',
    todo: 'Nothing.',
  },
  stopping: {
    level: 'info',
    means: 'The node drains, then stops; a second signal stops it at once.',
    todo: 'Nothing.',
  },
  stopped: { level: 'info', means: 'The node has stopped.', todo: 'Nothing.' },
  bug: {
    level: 'error',
    means: 'A state that Switchyard should never be in.',
    todo: 'Report it with the lines around it.',
  },
} as const satisfies Record<string, LogCodeSpec>

export type LogCode = keyof typeof logCodes

/** The table of codes as Markdown. */
export function logCodesTable(): string {
  const rows = Object.entries(logCodes).map(
    ([code, { level, means, todo }]) => `| \`${code}\` | ${level} | ${means} | ${todo} |`,
  )
  return ['| code | level | means | what to do |', '|---|---|---|---|', ...rows].join('\n')
}
