import { exitCodes } from '../errors.ts'

/** One argument of a command; every argument is required. One that is called FILE is the path of a file. */
export interface ArgumentSpec {
  readonly name: string
  readonly means: string
  /** Where it is one of these words. */
  readonly choices?: readonly string[]
}

export interface OptionSpec {
  readonly name: string
  readonly short?: string
  /** What stands for its value in the help, FILE for the path of a file; absent: the option is a flag. */
  readonly value?: string
  readonly means: string
}

export interface CommandSpec {
  /** In one line, after the command's name. */
  readonly does: string
  readonly arguments: readonly ArgumentSpec[]
  readonly options: readonly OptionSpec[]
  /** Paragraphs for the command's own help. */
  readonly about: readonly string[]
  /** Not for people: no help lists it. */
  readonly hidden?: true
}

/** What it is for, in a line. */
export const purpose = 'a gateway between XMPP servers and external components (XEP-0114)'

export const exitStatus: readonly (readonly [code: number, means: string])[] = [
  [exitCodes.done, 'done'],
  [exitCodes.badInput, 'bad configuration or input'],
  [exitCodes.usage, 'usage'],
  [exitCodes.bug, 'a bug'],
]

/** These stand alone, or after any command. */
export const commonOptions: readonly OptionSpec[] = [
  { name: 'help', short: 'h', means: 'print this; after a command, describe that command' },
  { name: 'version', short: 'V', means: 'print the version' },
]

const config: OptionSpec = {
  name: 'config',
  short: 'c',
  value: 'FILE',
  means: 'the configuration (default: switchyard.yaml)',
}
const json: OptionSpec = { name: 'json', means: 'print one JSON document instead of text' }

/** Every command: the help, the usage errors and what the parser accepts come from here. */
export const commandTable = {
  run: {
    does: 'serve until told to stop',
    arguments: [],
    options: [config],
    about: [
      'Opens the ports of the configuration and passes stanzas between the XMPP servers and the instances. Logs JSON lines to standard output; the one whose msg is "ready" says that the node serves.',
      'SIGHUP reads the configuration again; one that has problems is refused, and the one before stays in force. SIGTERM and SIGINT drain the node and stop it; a second one stops it at once.',
    ],
  },
  check: {
    does: 'say what is wrong with a configuration, or with a cluster',
    arguments: [],
    options: [config, { name: 'cluster', means: 'compare what every node of the cluster has with what is in Redis' }],
    about: [
      'Prints every problem as "file:line:col path: message" and exits with 1; or a summary, without secrets, and exits with 0. Opens no port and asks no other machine.',
      'With --cluster it also asks the Redis of the configuration, and by way of it every node, and prints what differs between their tables, one difference to a line, and which nodes did not answer within cluster.task_seconds. Exit code 0: all have answered, and nothing differs. It changes nothing and is no member.',
    ],
  },
  explain: {
    does: 'say which instance a stanza would meet, and why',
    arguments: [
      { name: 'FROM', means: 'the address that the stanza comes from' },
      { name: 'TO', means: 'the address that it is for; its domain is one that is served' },
    ],
    options: [config, { name: 'local', means: 'by the configuration alone: ask no node' }, json],
    about: [
      'Asks the running node, where the configuration has an admin port and a node answers there; when that node balances the domain by another configuration, it says so. Otherwise, or with --local, it says what the configuration alone says: criterion, key and bucket, and the instance where the configuration gives one that bucket. Sends no stanza and changes nothing.',
      'An iq result or error is not balanced: it goes to the instance that asked.',
    ],
  },
  simulate: {
    does: 'share out addresses, stanzas or a sample',
    arguments: [],
    options: [
      config,
      { name: 'to', value: 'FILE', means: 'a second configuration: also say what would move between the two' },
      {
        name: 'domain',
        short: 'd',
        value: 'DOMAIN',
        means: 'the domain; needed where the configuration serves several',
      },
      {
        name: 'instances',
        short: 'n',
        value: 'N',
        means: 'as if N instances were connected (default: one per bucket, else 3)',
      },
      json,
    ],
    about: [
      'Reads standard input: a recorded sample (see sample), or addresses, one stanza to a line: FROM, or FROM and TO with a tab or a space between; without TO it is for the domain itself. Or reads XML: stanzas one after the other, or a whole stream with its header. Of those it counts the ones to the domain that are balanced.',
      'Prints the share of every bucket or instance, the heaviest keys, and how uneven the shares are. Memory does not grow with the input: the heaviest keys are sketched, and with --to at most a million different keys are told apart, which the output says when there were more. With --to the input also goes through a temporary file.',
      'Input that cannot be read is named on standard error with its line; the rest is counted, and the exit code is 1.',
    ],
  },
  import: {
    does: 'make a configuration of an ejabberd.yml',
    arguments: [{ name: 'FILE', means: 'the ejabberd.yml; what it includes is read too' }],
    options: [],
    about: [
      'Prints a configuration for what ejabberd serves with ejabberd_service: the ports, the domains with their passwords, and domain_balancing, with hash: erlang_phash2, so that every user keeps the bucket that ejabberd gives. Comments name the lines that each part comes from, and say at the end what to change in ejabberd. Changes nothing itself.',
      'What cannot be carried over, or not as it is, is said on standard error. Where the file has problems they are printed as "file:line:col path: message", nothing else is, and the exit code is 1.',
    ],
  },
  sample: {
    does: 'record whose stanzas a running node balances',
    arguments: [],
    options: [
      config,
      { name: 'node', value: 'URL', means: 'the admin port of a node, instead of that of a configuration' },
      { name: 'domain', short: 'd', value: 'DOMAIN', means: 'the domain (required)' },
      { name: 'seconds', short: 's', value: 'N', means: 'for how long, 1 to 600 (default: 10)' },
      { name: 'hashed', means: 'no addresses, only what the criteria hash them to' },
    ],
    about: [
      'Asks the node at the admin port of the configuration, with its token, or the one at --node, with the token in SWITCHYARD_TOKEN. In a cluster all nodes are asked; those that did not answer are named. Prints one JSON document, which simulate reads.',
      'Of more than 20000 stanzas at a node so many are kept, drawn at random: each share is right to within 0.7 percentage points, 95 times in 100.',
      'A hashed sample can be shared out as well as another. It is no secret: who has a list of addresses can tell which of them are in it.',
    ],
  },
  demo: {
    does: 'see it work: three instances, traffic, and one of them killed',
    arguments: [],
    options: [
      {
        name: 'nodes',
        value: 'N',
        means: '1 to 5 nodes (default: 1); several share a Redis of its own, and one is killed',
      },
      { name: 'seconds', short: 's', value: 'N', means: 'how long the traffic lasts (default: 10; several nodes: 15)' },
      { name: 'keep', short: 'k', means: 'go on until Ctrl-C, and kill one after the other' },
    ],
    about: [
      'Starts a node on loopback and three echo instances as processes of their own (@xmpp/component, red, green and blue), and lets 200 users send messages and requests. One instance is killed on the way, and started again. Needs no configuration and leaves nothing behind.',
      'At the end it says what became of every stanza, as the sender, the instances and the node counted them. Exit code 0: every request was answered or bounced, every message came back or was in flight to the instance that died, and the three counts agree.',
      'With --nodes it starts that many nodes as processes of their own, over a Redis of its own (redis-server or valkey-server, 7 or newer), an instance at each, and users at each. One node is killed, its instance and its users turn to another, and the others take over its work; then it is started anew. The users of the killed node send again what has no answer: what a node has read and not passed on dies with it, unless delivery is journal. Exit code 0: everything was answered or bounced, nothing overtook anything, and all of the work was taken over.',
    ],
  },
  completion: {
    does: 'print what has a shell complete commands and options',
    arguments: [{ name: 'SHELL', means: 'bash, zsh or fish', choices: ['bash', 'zsh', 'fish'] }],
    options: [],
    about: [
      'For bash: switchyard completion bash > /etc/bash_completion.d/switchyard. For zsh: into a file _switchyard in a folder of fpath. For fish: into ~/.config/fish/completions/switchyard.fish.',
    ],
  },
  man: {
    does: 'print the manual page, for man',
    arguments: [],
    options: [],
    about: [
      'The page switchyard(1), in roff. An installation with npm -g has it as a file; elsewhere: switchyard man | man -l -',
    ],
  },
  help: {
    does: 'describe a command',
    arguments: [{ name: 'COMMAND', means: 'the command' }],
    options: [],
    about: ['The same as COMMAND --help.'],
  },
  'demo-node': {
    does: 'a node of the demo',
    arguments: [],
    options: [config],
    about: ['Started by demo --nodes. The same as run, but it also stops when the demo is gone.'],
    hidden: true,
  },
  'demo-instance': {
    does: 'an echo instance of the demo',
    arguments: [],
    options: [],
    about: ['Started by demo, which tells it what to do.'],
    hidden: true,
  },
} as const satisfies Record<string, CommandSpec>

export type CommandName = keyof typeof commandTable

export const commandNames = Object.keys(commandTable) as readonly CommandName[]

/** A command of the table, as its general type. */
export function specOf(name: CommandName): CommandSpec {
  return commandTable[name]
}
