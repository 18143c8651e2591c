import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type TaskHandlers, Tasks } from '../../src/cluster/tasks.ts'
import { createLog } from '../../src/log.ts'
import { LogBook } from '../stub/log-book.ts'
import { StubAnswers } from './stub-answers.ts'

const nothing: TaskHandlers = {
  ...{ reload: () => 'reloaded', drain: () => 'draining', state: () => ({ at: 1 }) },
  ...{ instance: () => ({ done: 'draining' }), usage: () => ({ load: 0 }), sample: () => null },
}

/** Nodes with one store; what one sends reaches the other at once, unless it is `deaf`. */
function cluster(names: readonly string[], handlers: Readonly<Record<string, Partial<TaskHandlers>>> = {}) {
  const store = new StubAnswers()
  const deaf = new Set<string>()
  const sent: string[] = []
  const book = new LogBook()
  const log = createLog({ level: 'info', node: 'test' }, book)
  const all = new Map<string, Tasks>()
  const nodes = names.map((name) => ({ name, incarnation: `inc-${name}` }))
  let ids = 0
  for (const me of nodes) {
    const tasks = new Tasks({
      me: () => me,
      nodes: () => nodes,
      send: (to, text) => {
        sent.push(`${me.name} to ${to}`)
        const target = nodes.find(({ incarnation }) => incarnation === to)?.name ?? ''
        if (!deaf.has(target)) void all.get(target)?.handle(text)
      },
      answer: store.answer,
      answers: store.answers,
      handlers: { ...nothing, ...handlers[me.name] },
      seconds: () => 30,
      newId: () => `task-${++ids}`,
      now: store.now,
      pause: store.pause,
      log,
    })
    all.set(me.name, tasks)
  }
  const of = (name: string): Tasks => all.get(name) ?? assert.fail(name)
  return { of, store, deaf, sent, book }
}

test('every node answers a task, the one that asks without the store', async () => {
  const { of, sent } = cluster(['a', 'b', 'c'])
  const { answers, silent } = await of('a').ask('state')
  assert.deepEqual(Object.fromEntries(answers), {
    a: { value: { at: 1 } },
    b: { value: { at: 1 } },
    c: { value: { at: 1 } },
  })
  assert.deepEqual(silent, [])
  assert.deepEqual(sent, ['a to inc-b', 'a to inc-c'])
})

test('what is asked reaches each handler, and may be asked of one node alone', async () => {
  const asked: unknown[] = []
  const { of, sent } = cluster(['a', 'b', 'c'], { b: { drain: (value) => void asked.push(value) } })
  const { answers } = await of('a').ask('drain', { why: 'upgrade' }, [{ name: 'b', incarnation: 'inc-b' }])
  assert.deepEqual(asked, [{ why: 'upgrade' }])
  assert.deepEqual(Object.fromEntries(answers), { b: { value: null } })
  assert.deepEqual(sent, ['a to inc-b'])
})

test('who does not answer within the time is named, and the others are not waited for in vain', async () => {
  const { of, deaf, store, book } = cluster(['a', 'b', 'c'])
  deaf.add('b')
  const { answers, silent } = await of('a').ask('reload')
  assert.deepEqual([...answers.keys()].sort(), ['a', 'c'])
  assert.deepEqual(silent, ['b'])
  assert.equal(store.time, 30_000)
  assert.deepEqual(
    book.all('cluster-task').map(({ task, silent }) => ({ task, silent })),
    [{ task: 'reload', silent: ['b'] }],
  )
})

test('a task that takes long is answered when it is done', async () => {
  let finish = (): void => assert.fail('not begun')
  const slow = new Promise<void>((resolve) => {
    finish = resolve
  })
  const { of, store } = cluster(['a', 'b'], { b: { reload: async () => slow.then(() => 'late') } })
  const asking = of('a').ask('reload')
  while (store.waits < 3) await new Promise(setImmediate)
  finish()
  const { answers, silent } = await asking
  assert.deepEqual([answers.get('b'), silent], [{ value: 'late' }, []])
})

test('a handler that fails is answered with its error, on this node and on others', async () => {
  const failing = { reload: () => Promise.reject(new Error('2 problems')) }
  const { of, book } = cluster(['a', 'b'], { a: failing, b: { reload: () => assert.fail('no good') } })
  const { answers, silent } = await of('a').ask('reload')
  assert.deepEqual(Object.fromEntries(answers), { a: { error: '2 problems' }, b: { error: 'no good' } })
  assert.deepEqual(silent, [])
  assert.deepEqual(book.all('cluster-task')[0]?.failed, ['a', 'b'])
})

test('while the store is down this node answers, and the others are named', async () => {
  const { of, store } = cluster(['a', 'b'])
  store.isDown = true
  const { answers, silent } = await of('a').ask('state')
  assert.deepEqual([[...answers.keys()], silent], [['a'], ['b']])
})

test('a task of another release is answered with an error, and what is none is left alone', async () => {
  const { of, store } = cluster(['a'])
  await of('a').handle('{"id":"t","what":"dance"}')
  const [answer] = await store.answers('t', 0, 1)
  assert.deepEqual(JSON.parse(answer ?? ''), {
    name: 'a',
    incarnation: 'inc-a',
    error: 'the task "dance" is not known here',
  })
  for (const text of ['', '{', '[]', '{"id":7,"what":"state"}', '{"id":"u"}']) await of('a').handle(text)
  assert.deepEqual(await store.answers('u', 0, 1), [])
})

test('an answer of nobody who was asked, or a second one, does not count', async () => {
  const { of, store, deaf } = cluster(['a', 'b'])
  deaf.add('b')
  const asking = of('a').ask('state')
  for (const text of ['{', '7', '{"incarnation":"inc-z","value":1}']) await store.answer('task-1', text)
  await store.answer('task-1', '{"incarnation":"inc-b","value":1}')
  await store.answer('task-1', '{"incarnation":"inc-b","value":2}')
  assert.deepEqual((await asking).answers.get('b'), { value: 1 })
})

test('only so many tasks are asked at once', async () => {
  const { of, deaf } = cluster(['a', 'b'])
  deaf.add('b')
  const many = Array.from({ length: 16 }, () => of('a').ask('state'))
  await assert.rejects(of('a').ask('state'), /16 tasks wait for answers already/)
  await Promise.all(many)
  await of('a').ask('state')
})

test('only so many tasks are done at once', async () => {
  let finish = (): void => {}
  const slow = new Promise<void>((resolve) => {
    finish = resolve
  })
  const { of, store } = cluster(['a'], { a: { drain: () => slow } })
  const doing = Array.from({ length: 32 }, (_, at) => of('a').handle(`{"id":"t${at}","what":"drain"}`))
  await of('a').handle('{"id":"last","what":"drain"}')
  const [refused] = await store.answers('last', 0, 1)
  assert.match(refused ?? '', /32 tasks are being done already/)
  finish()
  await Promise.all(doing)
})

test('a node that cannot reach the store to answer logs that', async () => {
  const { of, store, book } = cluster(['a'])
  store.isDown = true
  await of('a').handle('{"id":"t","what":"state"}')
  assert.deepEqual(
    book.all('cluster-task').map(({ task, unanswered }) => ({ task, unanswered })),
    [{ task: 'state', unanswered: true }],
  )
})

test('this node, too, is named when it takes too long', async () => {
  const { of } = cluster(['a', 'b'], { a: { reload: () => new Promise(() => {}) } })
  const { answers, silent } = await of('a').ask('reload')
  assert.deepEqual([[...answers.keys()], silent], [['b'], ['a']])
})
