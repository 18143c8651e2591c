import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { readComponents } from '../../config/ejabberd-components.ts'
import { type Imported, importEjabberd } from '../../config/ejabberd-import.ts'
import { readEjabberd } from '../../config/ejabberd-source.ts'
import { loadConfig } from '../../config/load.ts'
import { formatProblem, type Problem } from '../../config/problems.ts'
import { filesOf, pem } from './loading.ts'

/** It looks like a reference to a variable, which ejabberd has none of. */
const password = ['sw$', '{ord}fish'].join('')
const PEM = '/etc/ejabberd/yard.pem'

/** Imports `e/ejabberd.yml`; other files stand beside it. */
function imported(text: string, others: Readonly<Record<string, string>> = {}): Imported {
  const files = { 'e/ejabberd.yml': text, [PEM]: pem, ...others }
  const source = readEjabberd('e/ejabberd.yml', filesOf(files), (path) =>
    path.startsWith('/') ? path : join('e', path),
  )
  return importEjabberd('e/ejabberd.yml', readComponents(source), (path) => path in files)
}

/** What was made, loaded as `check` would; fails with what is wrong with it. */
function loaded({ text, problems }: Imported) {
  assert.deepEqual(problems, [])
  const readFile = filesOf({ [PEM]: pem })
  const { config, problems: refused } = loadConfig(text ?? '', {
    file: 'yard.yaml',
    env: {},
    hostname: 'box',
    readFile,
  })
  assert.ok(config !== undefined, JSON.stringify(refused))
  return config
}

const shown = (problems: readonly Problem[]) =>
  problems.map((problem) => formatProblem(problem).replace('e/ejabberd.yml:', ''))
const problemsOf = (text: string, others?: Readonly<Record<string, string>>) => shown(imported(text, others).problems)
const warningsOf = (text: string) => shown(imported(text).warnings)

const service = (options: string) =>
  `listen:\n  - {port: 5347, module: ejabberd_service, global_routes: false, ${options}}\n`
const echo = service('hosts: {echo.example.org: {password: s3cret}}')

test('a component port, its domains, passwords and balancing become ours, and every key keeps its bucket', () => {
  const result = imported(`
hosts: [example.org]
listen:
  - port: 5222
    module: ejabberd_c2s
  - port: 5347
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    shaper: none
    global_routes: false
    max_stanza_size: 1048576
    hosts:
      Echo.Example.org:
        password: "sw\${ord}fish"
      "muc.example.org":
        password: 0123
domain_balancing:
  echo.example.org:
    type: bare_source
    component_number: 3
  muc.example.org: {type: random, component_number: 2}
`)
  const config = loaded(result)
  assert.deepEqual(result.warnings, [])
  assert.deepEqual(config.listen, [{ host: '127.0.0.1', port: 5347, domains: ['echo.example.org', 'muc.example.org'] }])
  const [first, second] = [...config.domains.values()]
  assert.deepEqual([first?.name, first?.secrets, first?.hash], ['echo.example.org', [password], 'erlang_phash2'])
  assert.deepEqual(first?.balancing, { type: 'bare_source', component_number: 3 })
  // Nothing is hashed where a stanza goes anywhere; and a password is what it looks like.
  assert.deepEqual([second?.hash, second?.secrets], ['murmur3', ['0123']])
  assert.deepEqual([first?.upstream?.service, first?.upstream?.secret], ['xmpp://127.0.0.1:5348', password])
  assert.equal(config.limits.stanza_bytes, 1_048_576)
  assert.match(result.text ?? '', /# e\/ejabberd\.yml:14\n {2}"echo\.example\.org":/)
  assert.match(result.text ?? '', /^# {3}listen:\n# {5}- port: 5348$/m)
  assert.match(result.text ?? '', /"echo\.example\.org": \{password: "sw\$\{ord\}fish"\}/)
})

test('the older spellings of balancing mean the same', () => {
  const older = `domain_balancing: {echo.example.org: bare_source}\ndomain_balancing_component_number: {echo.example.org: 3}\n`
  const newer = `domain_balancing: {echo.example.org: {type: bare_source, component_number: 3}}\n`
  const balancingOf = (text: string) => loaded(imported(echo + text)).domains.get('echo.example.org')
  assert.deepEqual(balancingOf(older), balancingOf(newer))
  assert.deepEqual(problemsOf(`${echo}${newer}domain_balancing_component_number: {echo.example.org: 4}\n`), [
    '4:55 domain_balancing_component_number."echo.example.org": is 4, but domain_balancing says 3',
  ])
})

test('macros, keywords, anchors and included files are read as ejabberd reads them', () => {
  const config = loaded(
    imported(
      `define_macro:\n  PORT: 5350\n  SECRET: s3cret\n  HOSTS: {echo.@DOMAIN@: {password: SECRET}}\ndefine_keyword: {DOMAIN: example.org}\n` +
        `include_config_file: [more.yml]\nlisten:\n  - &base {module: ejabberd_service, port: PORT, hosts: HOSTS, ip: "::1"}\n`,
      {
        'e/more.yml':
          'include_config_file:\n  /etc/macros.yml: {}\ndomain_balancing: {echo.@DOMAIN@: {type: source, component_number: NUMBER}}\n',
        '/etc/macros.yml': 'define_macro: {NUMBER: 7}\n',
      },
    ),
  )
  assert.deepEqual(config.listen, [{ host: '::1', port: 5350, domains: ['echo.example.org'] }])
  assert.deepEqual(config.domains.get('echo.example.org')?.secrets, ['s3cret'])
  assert.deepEqual(config.domains.get('echo.example.org')?.balancing, { type: 'source', component_number: 7 })
})

test('a domain at several ports takes the passwords of all, and a port without hosts takes what is balanced', () => {
  const result = imported(
    'listen:\n' +
      '  - {port: 5347, module: ejabberd_service, hosts: {a.test: {password: one}, b.test: {}}, password: all}\n' +
      '  - {port: 5348, module: ejabberd_service, hosts: {a.test: {password: two}}}\n' +
      '  - {port: 5349, module: ejabberd_service, password: open}\n' +
      'domain_balancing: {c.test: {type: destination, component_number: 2}}\n',
  )
  const config = loaded(result)
  assert.deepEqual(
    [...config.domains.values()].map(({ name, secrets }) => [name, secrets]),
    [
      ['a.test', ['one', 'two']],
      ['b.test', ['all']],
      ['c.test', ['open']],
    ],
  )
  assert.deepEqual(config.domains.get('c.test')?.upstream?.port, 5350)
  assert.ok(
    shown(result.warnings).includes(
      '4:5 listen: takes components of any name; Switchyard serves those that stand under domains: add what is missing',
    ),
  )
})

test('TLS keeps its certificate where that can be read, and is said to be missing where not', () => {
  const withTls = (certfile: string) =>
    imported(service(`tls: true, certfile: ${certfile}, hosts: {a.test: {password: x}}`))
  assert.deepEqual(loaded(withTls(PEM)).listen[0]?.tls, { cert: PEM, key: PEM })
  const missing = withTls('/gone.pem')
  assert.equal(loaded(missing).listen[0]?.tls, undefined)
  assert.match(missing.text ?? '', /# tls: \{cert: "\/gone\.pem", key: "\/gone\.pem"\}/)
  assert.match(
    shown(missing.warnings)[0] ?? '',
    /^2:71 listen: is TLS, with a certificate that cannot be read at "\/gone\.pem"/,
  )
})

test('what Switchyard does otherwise is a warning with its line and column; what has its default is none', () => {
  const options =
    'access: components, check_from: false, shaper: fast, max_fsm_queue: 5000, backlog: 5, send_timeout: 15s'
  const warned = warningsOf(service(`hosts: {a.test: {password: x}}, ${options}`))
  assert.deepEqual(
    warned.map((warning) => /^\d+:\d+ listen\[0\]\.(\w+):/.exec(warning)?.[1]),
    ['access', 'check_from', 'shaper', 'max_fsm_queue'],
  )
  const none = warningsOf(service('hosts: {a.test: {password: x}}, access: all, check_from: true, shaper: none'))
  assert.deepEqual(none, [])
  const router = warningsOf(`${echo}default_ram_db: redis\n`)
  assert.match(
    router.join(),
    /^3:17 default_ram_db: is "redis": ejabberd numbers the components of a domain only with mnesia/,
  )
})

test('rules that only ejabberd has stand at the listener that it is to have', () => {
  const { text = '' } = imported(
    service('hosts: {a.test: {password: x}}, access: components, shaper_rule: fast, shaper: none'),
  )
  assert.match(text, /^# {7}global_routes: false\n# {7}access: "components"\n# {7}shaper_rule: "fast"\n# {7}hosts:\n/m)
  const second = '  - {port: 5348, module: ejabberd_service, hosts: {b.test: {password: x}}, access: others}\n'
  const both = imported(`${service('hosts: {a.test: {password: x}}, access: components')}${second}`).text ?? ''
  assert.match(both, /^# {7}access: "components"\n# # {5}access: "others" {2}# or this one: the listeners differ\n/m)
  assert.doesNotMatch(imported(echo).text ?? '', /access:|shaper/)
})

test('without a number of buckets, without a password, or without a port that takes it, a domain is as near as can be', () => {
  const keyed = imported(`${echo}domain_balancing: {echo.example.org: {type: source}, gone.test: {type: source}}\n`)
  assert.deepEqual(loaded(keyed).domains.get('echo.example.org')?.hash, 'murmur3')
  assert.equal(keyed.warnings.length, 2)
  const without = imported(service('hosts: {a.test: {}}'))
  assert.deepEqual(loaded(without).domains.get('a.test')?.secrets, ['CHANGE-ME'])
  assert.match(shown(without.warnings).join(), /^2:\d+ hosts: a\.test has no password/)
})

test('every problem is said with its place, and then nothing is made', () => {
  const cases: readonly (readonly [text: string, problems: readonly string[]])[] = [
    ['', ['1:1 listen: has no entry with module: ejabberd_service']],
    ['listen: []\n', ['1:1 listen: has no entry with module: ejabberd_service']],
    ['listen: {port: 1}\n', ['1:9 listen: must be a list, not a map']],
    [
      'listen: [\n',
      ['2:1 (file): YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    ['- a\n', ['1:1 (file): must be a map of options']],
    [service('hosts: {}'), ['1:1 listen: names no domain of a component']],
    [service('hosts: {"a b": {password: x}}'), ['2:74 listen[0].hosts: names "a b", which is no XMPP domain']],
    [service('hosts: {a.test: {}, A.test: {}}'), ['2:86 listen[0].hosts: names "A.test" twice']],
    [service('hosts: [a.test]'), ['2:73 listen[0].hosts: must be a map of domains, not a list']],
    [service('hots: {}'), ['2:72 listen[0].hots: is no option of ejabberd_service']],
    [service('ip: localhost'), ['2:70 listen[0].ip: must be an address, not "localhost"']],
    [service('ip: "::", ip: "::1"'), ['2:76 listen[0].ip: is written twice']],
    [
      'listen: [{module: ejabberd_service, port: "5347x"}]\n',
      ['1:43 listen[0].port: must be an integer from 1 to 65535, not "5347x"'],
    ],
    [
      'listen: [{module: ejabberd_service}]\n',
      ['1:10 listen[0].port: must be an integer from 1 to 65535, not nothing'],
    ],
    [
      `${echo}domain_balancing: {echo.example.org: {type: broadcast}}\n`,
      [
        '3:45 domain_balancing."echo.example.org".type: must be random, source, destination, bare_source, bare_destination, not "broadcast"',
      ],
    ],
    [
      `${echo}domain_balancing: {echo.example.org: {component_number: 1}}\n`,
      ['3:57 domain_balancing."echo.example.org".component_number: must be an integer from 2 to 1000, not "1"'],
    ],
    [`${echo}domain_balancing: 3\n`, ['3:19 domain_balancing: must be a map of domains, not a text']],
    [
      'include_config_file: gone.yml\n',
      ['1:22 include_config_file: names "e/gone.yml", which cannot be read: no such file (ENOENT)'],
    ],
    [
      'include_config_file: ejabberd.yml\n',
      ['1:22 include_config_file: names "e/ejabberd.yml", which includes this file'],
    ],
    [
      'define_macro: {A: B, B: A}\nlisten: A\n',
      ['1:19 define_macro: a macro that holds itself, or too many of them', '2:9 listen: must be a list, not nothing'],
    ],
  ]
  for (const [text, problems] of cases) {
    const found = problemsOf(text)
    assert.deepEqual(found.slice(0, problems.length), problems, text)
    assert.equal(imported(text).text, undefined)
  }
  assert.deepEqual(problemsOf('include_config_file: b.yml\n', { 'e/b.yml': 'listen: 3\n' }), [
    'e/b.yml:1:9 listen: must be a list, not a text',
  ])
})

test("Debian's own ejabberd.yml is read whole, and has no component", () => {
  const debian = readFileSync('/etc/ejabberd/ejabberd.yml', 'utf8')
  assert.deepEqual(problemsOf(debian), ['1:1 listen: has no entry with module: ejabberd_service'])
  const more = debian.replace('\nlisten:\n', `\n${echo}`)
  assert.notEqual(more, debian)
  assert.deepEqual(loaded(imported(more)).domains.get('echo.example.org')?.upstream?.port, 5348)
})
