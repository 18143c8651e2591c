import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Element, parse } from 'ltx'
import { AdHoc, type CommandAnswer } from '../../src/adhoc/adhoc.ts'
import type { AdHocCommand, CommandResult } from '../../src/adhoc/commands.ts'
import type { Values } from '../../src/adhoc/data-form.ts'
import { SESSION_MILLISECONDS } from '../../src/adhoc/sessions.ts'
import type { By } from '../../src/operations.ts'

const admin = { full: 'admin@x.test/r', bare: 'admin@x.test' }

/** A command of no form, one of one, and one of two; and what they were run with. */
function commands(
  run: () => Promise<CommandResult> | CommandResult = () => ({ note: { type: 'info', text: 'done' } }),
) {
  const ran: (readonly [string, By, Values])[] = []
  const bugs: unknown[] = []
  const clock = { now: 0 }
  const field = (name: string) => ({ name, label: name, type: 'text-single' as const })
  const stage = (name: string) => ({ instructions: 'Do', fields: () => [field(name)] })
  const make = (node: string, ...names: readonly string[]): AdHocCommand => ({
    ...{ node, name: node.toUpperCase(), stages: names.map(stage) },
    run: (by, values) => {
      ran.push([node, by, values])
      return run()
    },
  })
  let last = 0
  const adhoc = new AdHoc({
    commands: [make('none'), make('one', 'a'), make('two', 'a', 'b')],
    ...{ now: () => clock.now, newId: () => `s${++last}`, bug: (error) => bugs.push(error) },
  })
  const ask = (attributes: string, form = '', from = admin): Promise<CommandAnswer> =>
    adhoc.answer(from, parse(`<command xmlns='http://jabber.org/protocol/commands' ${attributes}>${form}</command>`))
  return { ask, ran, bugs, clock }
}

const filled = (name: string, value: string): string =>
  `<x xmlns='jabber:x:data' type='submit'><field var='${name}'><value>${value}</value></field></x>`

function payload(answer: CommandAnswer): Element {
  assert.ok('payload' in answer, JSON.stringify(answer))
  return parse(answer.payload)
}

function error(answer: CommandAnswer): readonly [string, string | undefined] {
  assert.ok('condition' in answer, JSON.stringify(answer))
  return [answer.condition, answer.specific]
}

test('[XEP-0050 §2.4] a command without a form is complete with its first answer, and runs as who asked', async () => {
  const { ask, ran } = commands()
  const answer = payload(await ask("node='none' xml:lang='de'"))
  assert.deepEqual([answer.attrs.status, answer.attrs.node, answer.attrs.sessionid], ['completed', 'none', 's1'])
  assert.deepEqual([answer.getChild('note')?.attrs.type, answer.getChildText('note')], ['info', 'done'])
  assert.deepEqual(ran, [['none', { via: 'xmpp', by: 'admin@x.test' }, {}]])
})

test('[XEP-0050 §3.2] a command with a form is executing until that is filled in', async () => {
  const { ask, ran } = commands()
  const shown = payload(await ask("node='one' action='execute'"))
  assert.deepEqual([shown.attrs.status, shown.getChild('actions')?.attrs.execute], ['executing', 'complete'])
  assert.equal(shown.getChild('x')?.attrs.type, 'form')
  assert.equal(ran.length, 0)
  const done = payload(await ask("node='one' sessionid='s1' action='complete'", filled('a', '1')))
  assert.equal(done.attrs.status, 'completed')
  assert.deepEqual(ran[0]?.[2], { a: '1' })
  assert.deepEqual(error(await ask("node='one' sessionid='s1'", filled('a', '1'))), ['bad-request', 'bad-sessionid'])
})

test('[XEP-0050 §3.4] several forms follow one another, backwards, too; `execute` is whatever is next', async () => {
  const { ask, ran } = commands()
  const actions = (answer: CommandAnswer): readonly string[] =>
    payload(answer)
      .getChild('actions')!
      .getChildElements()
      .map((element) => element.getName())
  assert.deepEqual(actions(await ask("node='two'")), ['next'])
  assert.deepEqual(actions(await ask("node='two' sessionid='s1' action='next'", filled('a', '1'))), [
    'prev',
    'complete',
  ])
  assert.deepEqual(actions(await ask("node='two' sessionid='s1' action='prev'")), ['next'])
  assert.deepEqual(actions(await ask("node='two' sessionid='s1'", filled('a', '2'))), ['prev', 'complete'])
  assert.equal(payload(await ask("node='two' sessionid='s1'", filled('b', '3'))).attrs.status, 'completed')
  assert.deepEqual(
    ran.map(([, , values]) => values),
    [{ a: '2', b: '3' }],
  )
})

test('[XEP-0050 §3.5] a command that is canceled does nothing, and its session is over', async () => {
  const { ask, ran } = commands()
  await ask("node='one'")
  assert.equal(payload(await ask("node='one' sessionid='s1' action='cancel'")).attrs.status, 'canceled')
  assert.deepEqual(error(await ask("node='one' sessionid='s1'", filled('a', '1'))), ['bad-request', 'bad-sessionid'])
  assert.equal(ran.length, 0)
})

test('[XEP-0050 §4.4] what cannot be done has the error that says why, and the session stays', async () => {
  const { ask, clock, ran } = commands()
  await ask("node='two'")
  const cases: readonly (readonly [string, string, readonly [string, string | undefined]])[] = [
    ["node='else'", '', ['item-not-found', undefined]],
    ["node='two' action='explode'", '', ['bad-request', 'malformed-action']],
    ["node='two' action='next'", '', ['bad-request', 'bad-sessionid']],
    ["node='two' sessionid='s9'", '', ['bad-request', 'bad-sessionid']],
    ["node='one' sessionid='s1'", filled('a', '1'), ['bad-request', 'bad-sessionid']],
    ["node='two' sessionid='s1' action='prev'", '', ['bad-request', 'bad-action']],
    ["node='two' sessionid='s1' action='complete'", filled('a', '1'), ['bad-request', 'bad-action']],
    ["node='two' sessionid='s1'", '', ['bad-request', 'bad-payload']],
    ["node='two' sessionid='s1'", filled('b', '1'), ['bad-request', 'bad-payload']],
  ]
  for (const [attributes, form, expected] of cases)
    assert.deepEqual(error(await ask(attributes, form)), expected, attributes)
  const stranger = { full: 'other@x.test/r', bare: 'other@x.test' }
  assert.deepEqual(error(await ask("node='two' sessionid='s1'", filled('a', '1'), stranger)), [
    'bad-request',
    'bad-sessionid',
  ])
  assert.equal(payload(await ask("node='two' sessionid='s1'", filled('a', '1'))).attrs.status, 'executing')
  clock.now = SESSION_MILLISECONDS
  assert.deepEqual(error(await ask("node='two' sessionid='s1'", filled('b', '1'))), ['not-allowed', 'session-expired'])
  assert.equal(ran.length, 0)
})

test('one form that is answered twice at once runs its command once', async () => {
  const { ask, ran } = commands(async () => ({}))
  await ask("node='one'")
  const again = "node='one' sessionid='s1' action='complete'"
  const both = await Promise.all([ask(again, filled('a', '1')), ask(again, filled('a', '2'))])
  assert.equal(both.filter((answer) => 'payload' in answer).length, 1)
  assert.equal(ran.length, 1)
})

test('no more than sixteen run at once, and one that fails is told as a bug and does not reach the asker', async () => {
  let end = (_: CommandResult): void => {}
  const held = new Promise<CommandResult>((resolve) => {
    end = resolve
  })
  const { ask } = commands(() => held)
  const running = Array.from({ length: 16 }, () => ask("node='none'"))
  assert.deepEqual(error(await ask("node='none'")), ['resource-constraint', undefined])
  end({})
  for (const answer of await Promise.all(running)) assert.equal(payload(answer).attrs.status, 'completed')
  const broken = commands(() => Promise.reject(new Error('inner detail')))
  assert.deepEqual(await broken.ask("node='none'"), { condition: 'internal-server-error' })
  assert.equal(broken.bugs.length, 1)
})
