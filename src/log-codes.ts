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
  'notify-failed': {
    level: 'warn',
    means: 'systemd waits for messages of this node, and one could not be sent. Said once.',
    todo: 'Look at `error`: `systemd-notify` must be in PATH, and the unit needs NotifyAccess=all.',
  },
  'config-refused': {
    level: 'error',
    means:
      'A reload found problems in the configuration, or could not open its ports or join its cluster; the configuration before stays in force.',
    todo: 'Mend what is listed, then reload; `switchyard check` lists it too.',
  },
  'admin-action': {
    level: 'info',
    means:
      'An operator asked for something: `by` an address with the token, or a JID of `admins`; `outcome` says what became of it.',
    todo: 'Nothing.',
  },
  'admin-refused': {
    level: 'warn',
    means:
      'An address (`via` http) sent wrong tokens to the admin port; said with the first one, and when it has to wait. Or a JID (`via` xmpp) that is no admin, or came by a way that does not vouch for it (`origin`), asked for a command; one line in 10 s at most, `count` says how many since the last.',
    todo: 'See who it is. A page or a script may have an old token; admins are the bare JIDs of `admins`, over the link of `address`.',
  },
  'config-reloaded': {
    level: 'info',
    means: 'A new configuration is in force, but for what `config-needs-restart` names.',
    todo: 'Nothing.',
  },
  'secret-exposed': {
    level: 'warn',
    means:
      'A file with a secret in it can be read by every user of this machine; said at the start and with each reload. One that all can write is refused.',
    todo: 'Take the right away, as `problem` says: `chmod o-rwx FILE`. In Kubernetes: `defaultMode: 0440` of the Secret’s volume, with an `fsGroup`.',
  },
  'config-needs-restart': {
    level: 'warn',
    means:
      'Part of a new configuration is not in force: the keys in `needsRestart` count from the next start of the node.',
    todo: 'Restart the node, or put the old values back.',
  },
  'instance-joined': { level: 'info', means: 'An instance has authenticated and takes stanzas.', todo: 'Nothing.' },
  'instance-left': {
    level: 'info',
    means: 'The stream of an instance has ended.',
    todo: 'Nothing, unless it should run.',
  },
  'connection-refused': {
    level: 'warn',
    means:
      'Connections to a listener were closed at once; `reason` says why, `count` how many since the last such line. One line in 10 s at most.',
    todo: 'limit, rate: raise limits, or look at who connects. address: compare listen[].from. clear_text: connect by TLS. overload: see there. tls: look at `why`, it is mostly the certificate of an instance. proxy_header: have the balancer send the PROXY protocol, or leave proxy_protocol out.',
  },
  'clear-text': {
    level: 'warn',
    means:
      'A secret crosses the network without TLS: of an instance, which `remote` is, or of the link to `service`. Said of a domain once, and of its link with every reload.',
    todo: 'Give the listener `tls`, or write xmpps:// for the server; require_tls refuses the rest. Where something else encrypts (a VPN, a mesh), nothing.',
  },
  overload: {
    level: 'warn',
    means:
      'Resident memory (`memory`) is near limits.memory_bytes (`limit`). At `level` 1 new connections are closed and /readyz says 503; at 2 those who send are read a fifth of the time, too.',
    todo: 'Look at what waits (/v1/domains) and for whom; give the node more memory, or lower hold.bytes and outbox_bytes.',
  },
  'overload-over': { level: 'info', means: 'There is memory again: all is as usual.', todo: 'Nothing.' },
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
  'link-unread': {
    level: 'warn',
    means:
      'This node stood still, or was cut off from Redis, for longer than its lease, and its link (`links: one`) still brought what the server had sent: `bytes` and perhaps more. Another node may have the link by then, and have passed on what came later, so the link was ended and none of that read.',
    todo: 'Look at why the node stood still. To the server these stanzas are lost with the connection; who sent them may send them again.',
  },
  'link-refused': {
    level: 'warn',
    means:
      'The link of a domain cannot be opened: the server refuses it, or could not be reached three times. Said once for each `reason` until the link is up.',
    todo: 'Look at `reason`: for `not-authorized` compare the secrets, for `host-unknown` the names, for `conflict` look for who else logs in; else at service, and at the server.',
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
  'handover-expired': {
    level: 'warn',
    means:
      'What had been sent to an instance of another node that has left did not come to its end in a minute; what came later for its share goes on, and may overtake it.',
    todo: 'Look at the node that had the instance: something holds it up.',
  },
  'hold-expired': {
    level: 'warn',
    means: 'No instance came in time: what was held was bounced, or dropped where a bounce is forbidden.',
    todo: 'Start an instance, or raise hold.seconds and hold.bytes.',
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
  'drain-cancelled': { level: 'info', means: 'An instance was enabled again before it was drained.', todo: 'Nothing.' },
  'node-joined': { level: 'info', means: 'A node has joined the cluster.', todo: 'Nothing.' },
  'node-left': {
    level: 'warn',
    means: 'A node has left the cluster; `isDead` says whether it was declared dead, as it did not renew its lease.',
    todo: 'Nothing, if it was stopped; else look at that node, and at how it reaches Redis.',
  },
  senior: {
    level: 'info',
    means: 'A node is the senior now, which does what one node must: it buries the dead.',
    todo: 'Nothing.',
  },
  'cluster-joined': { level: 'info', means: 'This node has joined the cluster.', todo: 'Nothing.' },
  'cluster-left': { level: 'info', means: 'This node has left the cluster in order.', todo: 'Nothing.' },
  'cluster-refused': {
    level: 'error',
    means: 'This node cannot join: a live node has its name, or Redis is not fit for use; `reason` says which.',
    todo: 'Give each node a name of its own with `node`; mend in Redis what is named.',
  },
  'cluster-retry': {
    level: 'warn',
    means: 'This node could not reach Redis to join, and tries again after the pause that `seconds` gives.',
    todo: 'If it goes on: look at `reason`, at Redis, and at cluster.redis.',
  },
  'cluster-absent': {
    level: 'error',
    means:
      'This node is alone: it left its cluster for that of a new configuration, could not join it, nor come back. The old configuration is in force; it tries to come back after the pause that `seconds` gives.',
    todo: 'Look at `reason`, and at both Redis; or reload with a cluster that can be joined, or without one.',
  },
  'cluster-up': { level: 'info', means: 'Redis can be reached again.', todo: 'Nothing.' },
  'cluster-down': {
    level: 'warn',
    means: 'Redis cannot be reached: the last routing table stays in force, and what is for other nodes waits.',
    todo: 'Look at Redis, and at the network between. `reach` is `refused` where nothing listens, `silent` where nothing answers.',
  },
  'cluster-fenced': {
    level: 'warn',
    means:
      'The lease of this node has run out, so others may act for it: it delivers nothing until it has a valid one.',
    todo: 'Look at why Redis was silent to it, or the process stood still: the machine, its disk, its network.',
  },
  'cluster-unfenced': {
    level: 'info',
    means: 'The lease of this node is valid again, in time: nobody has acted for it.',
    todo: 'Nothing.',
  },
  'cluster-lost': {
    level: 'error',
    means: 'This node was declared dead while it lived; it joins anew, with its instances.',
    todo: 'Look at why it stood still, or was cut off from Redis, for longer than 5 s.',
  },
  'cluster-seeded': {
    level: 'warn',
    means: 'Redis had forgotten the routing table, or gone back to an older one; this node has put it back.',
    todo: 'Look at why Redis was restarted empty: its memory, its persistence, a fail-over.',
  },
  'cluster-changes-refused': {
    level: 'warn',
    means: 'So many changes could not be put before the cluster; `reason` says why.',
    todo: 'Nothing, if Redis is away and instances come and go: what is missing is put before it when it can be reached.',
  },
  'estate-claimed': {
    level: 'info',
    means: 'This node deals with what was on its way to a dead node.',
    todo: 'Nothing.',
  },
  'estate-settled': { level: 'info', means: 'All that was on its way to a dead node has ended.', todo: 'Nothing.' },
  'estate-missing': {
    level: 'warn',
    means:
      'Redis has not what was on its way to a dead node, and what that node had written down: it is lost, unless another node had dealt with it and died just then.',
    todo: 'Look at whether Redis was restarted empty, or no node ran for eight days.',
  },
  'inbox-full': {
    level: 'warn',
    means: 'As much waits in Redis for a node as cluster.inbox_bytes allows; what is more is held here.',
    todo: 'Look at that node: it does not read, or its instances are too slow for their share.',
  },
  'journal-full': {
    level: 'warn',
    means:
      'As much of `delivery: journal` is on its way as cluster.inbox_bytes allows: those who send it are slowed down.',
    todo: 'Look at which instances are slow, or leave requests unanswered; or give more room.',
  },
  'inbox-unserved': {
    level: 'error',
    means: 'Another node has sent stanzas of a domain that this node does not serve; they are dropped.',
    todo: 'Give all nodes the same domains; `switchyard check --cluster` says which differ.',
  },
  'inbox-unreadable': {
    level: 'error',
    means: 'An entry of an inbox in Redis is none of ours, or of another release; it is left out.',
    todo: 'Look at who else writes under cluster.key_prefix, and at the versions of the nodes.',
  },
  'link-claimed': {
    level: 'info',
    means: 'This node holds the one link of a domain now, and dials the server.',
    todo: 'Nothing.',
  },
  'link-yielded': {
    level: 'info',
    means: 'This node holds the one link of a domain no more; what is for the server goes to the node that does.',
    todo: 'Nothing.',
  },
  'cluster-task': {
    level: 'info',
    means: 'Nodes were asked to do something; `silent` did not answer in time, `failed` could not do it.',
    todo: 'Look at the nodes that are named.',
  },
  'cluster-task-late': {
    level: 'warn',
    means:
      'What another node asked of this one came `seconds` after nobody waited for it any more: it was not done, and whoever asked was told that this node did not answer.',
    todo: 'Ask again. If it goes on: look at how the nodes reach Redis.',
  },
  'events-dropped': {
    level: 'warn',
    means: 'A reader of /v1/events was too slow: it missed so many events, and has been told.',
    todo: 'Read faster, or ask the log.',
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
