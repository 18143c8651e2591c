import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { loadConfigFile } from '../../config/load.ts'
import { filesOf, listening, load, problemsOf } from './loading.ts'

/** What is wrong -> the text -> the lines that say so. */
const refusals: readonly (readonly [string, string, readonly string[]])[] = [
  ['an empty file', '', ['1:1 (file): must be a map, not nothing']],
  ['a file that is no map', '- a\n', ['1:1 (file): must be a map, not a list']],
  ['a map without what is required', 'log: {}\n', ['1:1 listen: is missing', '1:1 domains: is missing']],
  [
    'no domain and no listener',
    'listen: []\ndomains: {}\n',
    [
      '1:9 listen: must be a list of one or more listeners, not an empty list',
      '2:1 domains: must have at least one domain',
    ],
  ],
  [
    'an unknown key',
    `${listening}limits:\n  stanza_byte: 1\n`,
    ['4:3 limits.stanza_byte: is not a known key; did you mean stanza_bytes?'],
  ],
  ['an unknown key that is like no other', `${listening}colour: red\n`, ['3:1 colour: is not a known key']],
  ['a key that is special to JavaScript', `${listening}__proto__: {node: x}\n`, ['3:1 __proto__: is not a known key']],
  ['a key that is written twice', `${listening}node: a\nnode: b\n`, ['4:1 node: is written twice, first in line 3']],
  [
    'a text for a number',
    'listen: [{port: "5347"}]\ndomains: {a: {secret: x}}',
    ['1:17 listen[0].port: must be an integer from 0 to 65535, not "5347"'],
  ],
  [
    'a number out of its range',
    `${listening}limits: {depth: 1001, handshake_seconds: .nan}\n`,
    [
      '3:17 limits.depth: must be an integer from 4 to 1000, not 1001',
      '3:42 limits.handshake_seconds: must be seconds from 0.01 to 300, not NaN',
    ],
  ],
  [
    'a network that is none',
    'listen: [{port: 1, from: [10.0.0.0/40], proxy_protocol: v1}]\ndomains: {a: {secret: x}}',
    [
      '1:27 listen[0].from[0]: must be an address or a network, as 192.0.2.0/24 or 2001:db8::/32, not "10.0.0.0/40"',
      '1:57 listen[0].proxy_protocol: must be true or false, not "v1"',
    ],
  ],
  [
    '[RFC 6120 §13.12] a stanza limit below 10000',
    `${listening}limits: {stanza_bytes: 9999}\n`,
    ['3:24 limits.stanza_bytes: must be bytes from 10000 to 64MiB, not 9999'],
  ],
  [
    'a size in no known unit',
    `${listening}limits: {outbox_bytes: 1 MBit}\n`,
    [
      '3:24 limits.outbox_bytes: must be bytes from 4KiB to 1GiB (a whole number, alone or with B, KB, MB, GB, KiB, MiB or GiB), not "1 MBit"',
    ],
  ],
  [
    'a word that is none of the choices',
    `${listening}log: {level: loud}\n`,
    ['3:14 log.level: must be trace, debug, info, warn or error, not "loud"'],
  ],
  [
    'a value that is left out',
    `${listening}log:\n  level:\n`,
    ['4:3 log.level: must be trace, debug, info, warn or error, not nothing'],
  ],
  [
    'a Redis that is no URL of one, without a word of it',
    `${listening}cluster: {redis: "redis://:hunter2@"}\n`,
    [
      '3:18 cluster.redis: must be redis://host:port or rediss://host:port, with user:password@ before the host where Redis wants them, or a list of such, not a URL whose host, port or path is none of a Redis',
    ],
  ],
  [
    'a syntax error',
    'listen: [{port: 1}]\ndomains:\n  a: b: c\n',
    ['3:6 (file): YAML: Nested mappings are not allowed in compact mappings'],
  ],
  [
    'an unquoted reference in a flow map',
    `domains: {a: {secret: \${X}}}\n`,
    [
      '1:24 (file): YAML: Unexpected flow-map-start at node end; a reference to a variable needs quotes inside { } or [ ]',
    ],
  ],
  [
    'a flow sequence that is not separated, said whole although it speaks of a colon',
    `node: ["secret" word]\n`,
    ['1:17 (file): YAML: Missing , or : between flow sequence items'],
  ],
  ['an unknown tag', `${listening}node: !name x\n`, ['3:7 (file): YAML: Unresolved tag']],
  ['a second document', `${listening}---\nnode: x\n`, ['3:1 (file): YAML: More than one document']],
  ['an alias of nothing', `${listening}node: *x\n`, ['3:7 node: is an alias of what is not written above it']],
  ['a list for a key', `${listening}? [a]\n: b\n`, ['3:3 (file): has a map or a list for a key']],
  [
    'a node name with a slash, which unnamed instances have',
    `${listening}node: a/b\n`,
    ['3:7 node: must be a name of 1 to 64 letters, digits, dots, hyphens and underscores, not "a/b"'],
  ],
  ['an admin with a resource', `${listening}admins: [a@b/c]\n`, ['3:10 admins[0]: must be a bare JID, not "a@b/c"']],
]

for (const [what, text, lines] of refusals) {
  test(`${what} is refused at its place`, () => assert.deepEqual(problemsOf(text), lines))
}

test('every problem is told at once, in the order of the file, whichever check finds it', () => {
  const text = `
nod: x
listen:
  - {port: http}
  - {host: 127.0.0.1}
  - {port: 5347, domains: [nope.example]}
domains:
  a.example:
    secret: 12345
    hold: {seconds: -1}
  a.example.: {secret: x}
  b@d: {secret: x}
  c.example: {secret_file: missing, secret: "\${NOPE}"}
  d.example: {when_unassigned: hodl}
domain_balancing:
  d.example: {type: bare_source, component_number: 3}
domain_balancing_component_number:
  d.example: 4
`
  assert.deepEqual(problemsOf(text), [
    '2:1 nod: is not a known key; did you mean node?',
    '4:12 listen[0].port: must be an integer from 0 to 65535, not "http"',
    '5:5 listen[1].port: is missing',
    '6:28 listen[2].domains[0]: must be one of the configured domains, not nope.example',
    '9:13 domains."a.example".secret: must be a string that is not empty, not a number',
    '10:21 domains."a.example".hold.seconds: must be seconds from 0 to 604800, not -1',
    '11:3 domains."a.example.": is the same domain as a.example, written above',
    '12:3 domains."b@d": must be an XMPP domain, not "b@d"',
    '13:15 domains."c.example".secret_file: cannot stand beside secret: give one of them',
    '13:45 domains."c.example".secret: the environment variable NOPE is not set',
    '14:3 domains."d.example": needs one of secret, secrets, secret_file, instances',
    '14:32 domains."d.example".when_unassigned: must be hold, bounce or spill, not "hodl"',
    '18:14 domain_balancing_component_number."d.example": is 4, but domain_balancing says 3: give one number',
  ])
})

test('a key that is written twice hides nothing of what is wrong under it', () => {
  const text = 'listen: [{port: 1}]\ndomains:\n  a.example: {}\ndomains: {}\n'
  assert.deepEqual(problemsOf(text), [
    '3:3 domains."a.example": needs one of secret, secrets, secret_file, instances',
    '4:1 domains: is written twice, first in line 2',
  ])
})

test('no message shows a secret, nor what may be one in the wrong place', () => {
  const texts = [
    'domains: {a: hunter2}',
    'domains: {a: {secret: [hunter2]}}',
    'domains: {a: {secrets: hunter2}}',
    'domains: {a: {secret: {hunter2: hunter2}}}',
    'domains: {a: {instances: hunter2}}',
    'domains: {a: {instances: {b: hunter2}}}',
    'domains: {a: {secret: x, upstream: hunter2}}',
    'domains: {a: {secret: x, upstream: {service: "xmpp://a:hunter2@b", secret: y}}}',
    'domains: {a: {sekret: hunter2}}',
    `domains: {a: {secret: "hunter2\${"}}`,
    'domains: {a: {secret: "hunter2\\q"}}',
    'domains: {a: {secret: "x" hunter2}}',
    'domains: {a: {secret: !hunter2 x}}',
    'admin: {token: [hunter2]}\n',
    `node: "\${SECRET}"\nlog: {level: "\${SECRET}"}`,
  ]
  for (const text of texts) {
    const problems = problemsOf(`listen: [{port: 1}]\n${text}\n`, { env: { SECRET: 'hunter2!' } })
    assert.notEqual(problems.length, 0, text)
    assert.ok(!problems.join('\n').includes('hunter2'), problems.join('\n'))
  }
})

test('a message stays on one line and moves no cursor', () => {
  const [problem, ...more] = problemsOf(`${listening}node: "a\\nb\\x1b[2J\\x9b\\u202e"\n`)
  assert.deepEqual(more, [])
  assert.ok(problem?.endsWith('not "a\\nb\\u001b[2J\\u009b\\u202e"'), problem)
})

test('an alias means what its anchor stands before, and aliases cannot multiply without bound', () => {
  const { config } = load('listen: [{port: 1}]\ndomains:\n  a: &same {secret: x}\n  b: *same\n')
  assert.deepEqual(config?.domains.get('b')?.secrets, ['x'])
  const bomb = ['a: &a [1,1,1,1,1,1,1,1,1,1]']
  for (let i = 1; i < 9; i++) {
    const [from, to] = ['abcdefghi'[i - 1], 'abcdefghi'[i]]
    bomb.push(`${to}: &${to} [${Array(10).fill(`*${from}`).join()}]`)
  }
  const problems = problemsOf(bomb.join('\n'))
  assert.equal(problems.length, 1)
  assert.match(problems[0] ?? '', /is nested too deeply, or makes the file too large$/)
  assert.match(problemsOf('a: &a [*a]\n').join(), /nested too deeply/)
  assert.match(problemsOf('['.repeat(100_000)).join(), /nested too deeply|YAML: /)
})

test('any text at all is a configuration or a list of problems, and never an exception', () => {
  const word = fc.constantFrom(
    'listen',
    'domains',
    'secret',
    'a.example',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '*a',
    '&a ',
    '!t ',
    `\${A}`,
    '|',
    '>',
    '#',
    '? ',
    ',',
    '0',
    '---\n',
    '\t',
    '%',
    '@',
  )
  const yaml = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(word, { maxLength: 40 }).map((words) => words.join('')),
  )
  fc.assert(
    fc.property(yaml, (text) => {
      const { config, problems } = load(text)
      assert.ok(config !== undefined || problems.length > 0)
    }),
    { numRuns: 1000 },
  )
})

test('any value in any place is a configuration or a list of problems, and never an exception', () => {
  const keys = fc.constantFrom(
    'listen',
    'domains',
    'a.example',
    'secret',
    'instances',
    'upstream',
    'limits',
    'hold',
    'bytes',
    'address',
    'domain_balancing',
    'port',
    '__proto__',
    'constructor',
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<unknown>(null, 0, -1, 1.5, true, '', 'x', '16MiB'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(keys, tie('tree')),
    ),
  }))
  fc.assert(
    fc.property(tree, (value) => assert.ok(load(JSON.stringify(value)).problems !== undefined)),
    { numRuns: 500 },
  )
})

test('a key that is misspelt is reported at its own place, whichever key it is', () => {
  const text = [
    'node: n',
    'listen:',
    '  - host: 127.0.0.1',
    '    port: 5347',
    'domains:',
    '  a.example:',
    '    secret: x',
    '    hold:',
    '      seconds: 1',
    '    upstream:',
    '      service: xmpp://localhost',
    '      secret: y',
    'admin:',
    '  port: 0',
    'log:',
    '  level: info',
  ]
  assert.deepEqual(problemsOf(text.join('\n')), [])
  const keyed = text.flatMap((line, index) => (line.includes('a.example') ? [] : [index]))
  fc.assert(
    fc.property(fc.constantFrom(...keyed), fc.stringMatching(/^[a-z]{9,12}$/), (index, key) => {
      const mutated = text.map((line, at) => (at === index ? line.replace(/[a-z_]+:/, `${key}:`) : line))
      const column = (mutated[index]?.indexOf(key) ?? 0) + 1
      const found = problemsOf(mutated.join('\n'))
      assert.ok(
        found.some(
          (problem) => problem.startsWith(`${index + 1}:${column} `) && problem.includes(`${key}: is not a known key`),
        ),
        found.join('\n'),
      )
    }),
  )
})

test('a file that cannot be read is a problem like any other', () => {
  const { problems } = loadConfigFile('nope.yaml', { env: {}, hostname: 'box', readFile: filesOf({}) })
  assert.deepEqual(problems, [
    { file: 'nope.yaml', line: 1, col: 1, path: '(file)', message: 'cannot be read: no such file (ENOENT)' },
  ])
})
