import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Given } from '../../src/commands/given.ts'
import { simulateInput } from '../../src/commands/simulate.ts'
import { SwitchyardError } from '../../src/errors.ts'

const one = (type: string, count: number): string =>
  `listen: [{port: 1}]\ndomains: {plays.test: {secret: s}}\ndomain_balancing: {plays.test: {type: ${type}, component_number: ${count}}}\n`

const files: Readonly<Record<string, string>> = {
  'three.yaml': one('bare_source', 3),
  'erlang.yaml': one('bare_source', 3).replace('secret: s', 'secret: s, hash: erlang_phash2'),
  'four.yaml': one('bare_source', 4),
  'ranked.yaml':
    'listen: [{port: 1}]\ndomains: {plays.test: {secret: s}}\ndomain_balancing: {plays.test: {type: bare_source}}\n',
  'bounded.yaml':
    "listen: [{port: 1}]\ndomains: {plays.test: {secret: s, balance_factor: 125, hot_keys: {'hot@x.test': 33.3}}}\ndomain_balancing: {plays.test: {type: bare_source}}\n",
  'canary.yaml':
    'listen: [{port: 1}]\ndomains: {plays.test: {instances: {red: {secret: a}, blue: {secret: b}, new: {secret: c}}, canary: {instance: new, percent: 25}}}\ndomain_balancing: {plays.test: {type: bare_source, component_number: 2}}\n',
  'random.yaml': one('random', 3),
  'to.yaml': one('bare_destination', 3),
  'two.yaml': 'listen: [{port: 1}]\ndomains: {plays.test: {secret: s}, rooms.test: {secret: s}}\n',
  'named.yaml':
    'listen: [{port: 1}]\ndomains: {plays.test: {instances: {red: {secret: a, bucket: 1}, blue: {secret: b}}}}\ndomain_balancing: {plays.test: {type: source, component_number: 3}}\n',
}

interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs the command; `options` are `name=value`, or `typed` for input from a terminal. The input comes in chunks of seven bytes. */
function run(file: string, input: string, ...options: readonly string[]): Said {
  const said = { out: '', err: '' }
  const pairs = options
    .filter((option) => option !== 'typed')
    .map((option): [string, string] => {
      const [name = '', value = ''] = option.split('=')
      return [name, value]
    })
  const given: Given = { args: [], options: new Map(pairs) }
  const code = simulateInput(file, given, {
    env: {},
    hostname: 'box',
    readFile: (path) => files[path] ?? assert.fail(path),
    stdin: () => cut(Buffer.from(input), 7),
    isTyped: options.includes('typed'),
    stdout: (text) => {
      said.out += text
    },
    stderr: (text) => {
      said.err += text
    },
  })
  return { code, ...said }
}

function* cut(bytes: Buffer, length: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield Buffer.from(bytes.subarray(at, at + length))
}

const json = (file: string, input: string, ...options: readonly string[]) => {
  const { code, out, err } = run(file, input, 'json', ...options)
  return { code, err, ...JSON.parse(out) }
}

const users = (count: number): string =>
  Array.from({ length: count }, (_, index) => `user${index}@capulet.test/x\n`).join('')

test('addresses are shared out over the buckets, each held by an instance', () => {
  const { code, err, result, instances, instancesAssumed } = json('three.yaml', users(300))
  assert.deepEqual({ code, err, instancesAssumed }, { code: 0, err: '', instancesAssumed: true })
  assert.deepEqual(instances, ['box/1', 'box/2', 'box/3'])
  assert.equal(result.weight, 300)
  assert.deepEqual(
    result.shares.map(({ instance }: { instance: string }) => instance),
    instances,
  )
})

test('with fewer instances than buckets, what meets nobody is said', () => {
  const { out } = run('three.yaml', users(300), 'instances=1')
  assert.match(out, /^plays\.test: bare_source over 3 buckets; 1 instance$/m)
  assert.match(out, /^1 {7}nobody /m)
  assert.match(out, /stanzas meet no instance: when_unassigned decides$/m)
})

test('named instances have their buckets, and there are no more of them than the configuration has', () => {
  const { result } = json('named.yaml', users(10))
  assert.deepEqual(
    result.shares.map(({ instance }: { instance?: string }) => instance),
    ['blue', 'red', undefined],
  )
  assert.throws(() => run('named.yaml', '', 'instances=3'), /--instances: plays\.test has 2 named instances/)
})

test('the same input gives the same shares as stanzas and as addresses', () => {
  const stanzas = users(50).replaceAll(/(.*)\n/g, "<message from='$1' to='plays.test'>\n<body>a</body></message>\n")
  assert.deepEqual(json('three.yaml', stanzas).result, json('three.yaml', users(50)).result)
})

test('with a second configuration it says how many keys and how much traffic move', () => {
  const { move, result } = json('three.yaml', users(200).repeat(2), 'to=four.yaml')
  assert.equal(result.weight, 400)
  assert.deepEqual([move.weight, move.keys, move.keysComplete], [400, 200, true])
  assert.equal(move.moved, move.movedKeys * 2)
  assert.match(run('three.yaml', users(200), 'to=four.yaml').out, /^with four\.yaml and 4 instances, another instance/m)
  assert.equal(json('three.yaml', users(200), 'to=three.yaml').move.moved, 0)
  assert.match(
    run('three.yaml', users(200), 'to=random.yaml').out,
    /one of the two is random, .*what would move cannot be said/s,
  )
})

test('a key that comes often is named', () => {
  const { out } = run('three.yaml', `${users(5)}${'romeo@montague.test/x\n'.repeat(45)}`)
  assert.match(out, /^heaviest keys\n {2}romeo@montague\.test {2}45 {2}90\.0 % +box\/\d\n$/m)
  assert.doesNotMatch(run('three.yaml', users(5)).out, /heaviest/)
})

test('what cannot be read is named with its line, the rest is counted, and the exit code is 1', () => {
  const { code, err, result, skipped } = json('three.yaml', `${users(2)}@@\n\n${users(1)}`)
  assert.equal(code, 1)
  assert.equal(err, "switchyard: standard input, line 3: '@@' is no JID\n")
  assert.deepEqual([result.weight, skipped.malformed], [3, 1])
})

test('ten complaints are enough, and then a count', () => {
  const { err } = run('three.yaml', '@\n'.repeat(25))
  assert.equal(err.split('\n').length - 1, 11)
  assert.match(err, /switchyard: 25 such places in all\n$/)
})

test('a destination criterion and addresses without TO: the text says why all met one bucket', () => {
  assert.match(run('to.yaml', users(5)).out, /a line with one address is FROM; under bare_destination the key is TO/)
  assert.doesNotMatch(run('to.yaml', 'a@b.test room@plays.test\n').out, /a line with one address/)
})

test('among several domains one has to be named, and has to be served', () => {
  const exit = (code: number, message: RegExp) => (error: unknown) =>
    error instanceof SwitchyardError && error.exitCode === code && message.test(error.message)
  assert.throws(() => run('two.yaml', ''), exit(2, /say --domain, one of: plays\.test, rooms\.test$/))
  assert.throws(() => run('two.yaml', '', 'domain=x.test'), exit(1, /^--domain: "x\.test" is not served/))
  assert.throws(() => run('three.yaml', '', 'to=two.yaml', 'domain=rooms.test'), exit(1, /is not served/))
  assert.equal(run('two.yaml', users(1), 'domain=ROOMS.test').code, 0)
})

test('empty input is no error, and said in words', () => {
  assert.match(run('three.yaml', '').out, /^plays\.test: .*\nno stanza was seen\n$/)
  assert.equal(run('three.yaml', '').code, 0)
  assert.equal(run('three.yaml', '\n\n', 'to=four.yaml').code, 0)
})

test('on a terminal it says that it reads what is typed', () => {
  assert.match(run('three.yaml', '', 'typed').err, /^switchyard: reading .* from standard input; Ctrl-D ends it\n$/)
  assert.equal(run('three.yaml', '').err, '')
})

test('the hash of the configuration is the one that counts, and is named', () => {
  const users = Array.from({ length: 300 }, (_, n) => `user${n}@x.test\n`).join('')
  const { policy, result } = json('erlang.yaml', users)
  assert.equal(policy.hash, 'erlang_phash2')
  // erlang:phash2({<<"userN">>, <<"x.test">>, <<>>}, 3) for N of 0 to 299, counted in a real Erlang.
  assert.deepEqual(
    result.shares.map(({ weight }: { weight: number }) => weight),
    [108, 95, 97],
  )
  assert.match(run('erlang.yaml', users).out, /bare_source over 3 buckets by erlang_phash2/)
  assert.ok(json('three.yaml', users, 'to=erlang.yaml').move.moved > 150)
})

const crowd = Array.from({ length: 1000 }, (_, user) => `u${user}@x.test plays.test\n`).join('')
const hot = 'hot@x.test plays.test\n'.repeat(500)

test('a heavy key is said as hot_keys wants it, and with it imbalance is told with and without the bound', () => {
  const before = run('ranked.yaml', crowd + hot)
  assert.match(
    before.out,
    /^note {7}a heavy key is not in hot_keys, which balance_factor goes by:\n {13}hot_keys: \{"hot@x\.test": 33\.3\}$/m,
  )
  const after = run('bounded.yaml', crowd + hot)
  assert.doesNotMatch(after.out, /hot_keys/)
  const [, bounded, unbounded] =
    /^imbalance {2}([\d.]+) .*\n {11}([\d.]+) {2}without balance_factor$/m.exec(after.out) ?? []
  assert.ok(Number(bounded) < 1.35 && Number(unbounded) > 1.5, after.out)
  assert.match(after.out, /^plays\.test: bare_source over all instances, at most 125 % of a fair share; 3 instances/)
  assert.deepEqual(json('bounded.yaml', crowd).terms.hot_keys, { 'hot@x.test': 33.3 })
})

test('a canary has a row of its own beside the buckets, and what moves to it is told', () => {
  const { out } = run('canary.yaml', crowd)
  assert.match(out, /^plays\.test: bare_source over 2 buckets, canary new 25 %; 3 instances$/m)
  assert.match(out, /^canary {2}new +2\d\d +2\d\.\d %$/m)
})
