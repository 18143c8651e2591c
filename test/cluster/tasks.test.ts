import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type TaskHandlers, type TaskLife, Tasks } from '../../src/cluster/tasks.ts'
import { createLog } from '../../src/log.ts'
import { LogBook } from '../stub/log-book.ts'
import { StubAnswers } from './stub-answers.ts'

const nothing: TaskHandlers = {
  ...{ reload: () => 'reloaded', drain: () => 'draining', state: () => ({ at: 1 }) },
  ...{ instance: () => ({ done: 'draining' }), usage: () => ({ load: 0 }), sample: () => null },
}

/** Nodes with one store; what one sends reaches the other at once, unless it is `deaf`, or `cutOff` from all, as they know. */
function cluster(names: readonly string[], handlers: Readonly<Record<string, Partial<TaskHandlers>>> = {}) {
  const store = new StubAnswers()
  const deaf = new Set<string>()
  const cutOff = new Set<string>()
  const sent: string[] = []
  const texts: string[] = []
  const book = new LogBook()
  const log = createLog({ level: 'info', node: 'test' }, book)
  const all = new Map<string, Tasks>()
  const nodes = names.map((name) => ({ name, incarnation: `inc-${name}` }))
  /** Those that have left the cluster. */
  const left = new Set<string>()
  const loans = { out: 0 }
  let ids = 0
  for (const me of nodes) {
    const life: TaskLife = {
      send: (to, text) => {
        sent.push(`${me.name} to ${to}`)
        texts.push(text)
        const target = nodes.find(({ incarnation }) => incarnation === to)?.name ?? ''
        if (!deaf.has(target)) void all.get(target)?.handle(text)
      },
      store,
      time: () => EPOCH + store.time,
      giveBack: () => void loans.out--,
    }
    const tasks = new Tasks({
      me: () => (left.has(me.name) ? { name: me.name, incarnation: 'alone' } : me),
      nodes: () => (left.has(me.name) ? [] : nodes),
      isUp: () => !cutOff.has(me.name),
      borrow: () => {
        if (left.has(me.name)) return undefined
        loans.out++
        return life
      },
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
  return { of, store, deaf, cutOff, left, loans, sent, texts, book }
}

/** What the store's clock says when the nodes' say 0. */
const EPOCH = 1_000_000

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

test('a node that leaves the cluster as it was asked to is heard, and hears those who were asked with it', async () => {
  const names = ['a', 'b', 'c']
  const leave = (name: string) => ({
    reload: async () => {
      await new Promise(setImmediate)
      left.add(name)
      // The one that asks has done it before the others.
      for (let turn = name === 'a' ? 0 : 5; turn > 0; turn--) await new Promise(setImmediate)
    },
  })
  const { of, left, loans } = cluster(names, { a: leave('a'), b: leave('b'), c: leave('c') })
  const { answers, silent } = await of('a').ask('reload')
  assert.deepEqual([[...answers.keys()].sort(), silent, [...left].sort()], [names, [], names])
  for (const answer of answers.values()) assert.deepEqual(answer, { value: null })
  assert.equal(loans.out, 0)
})

test('a store that says at once that there is nothing is not asked in every turn of the event loop', async () => {
  const { of, store, deaf } = cluster(['a', 'b'])
  deaf.add('b')
  let reads = 0
  store.answers = async () => {
    // Beyond that it would never end.
    if (++reads > 10_000) store.time += 30_000
    return []
  }
  const { silent } = await of('a').ask('state')
  assert.deepEqual(silent, ['b'])
  assert.ok(reads <= 121, `${reads} reads in 30 s`)
})

test('what comes when nobody waits for it any more is not done, and logged; in time it is done', async () => {
  const drained: string[] = []
  const { of, store, book, loans } = cluster(['a'], { a: { drain: () => void drained.push('a') } })
  const until = EPOCH + 30_000
  store.time = 30_000
  await of('a').handle(JSON.stringify({ id: 'in-time', what: 'drain', value: null, until }))
  assert.deepEqual([drained, (await store.answers('in-time', 0, 1)).length], [['a'], 1])
  store.time = 31_500
  await of('a').handle(JSON.stringify({ id: 'late', what: 'drain', value: null, until }))
  await of('a').handle(JSON.stringify({ id: 'looked', what: 'usage', value: null, until }))
  assert.deepEqual([drained, await store.answers('late', 0, 1)], [['a'], []])
  assert.deepEqual(
    book.all('cluster-task-late').map(({ task, seconds }) => [task, seconds]),
    [['drain', 1.5]],
  )
  assert.equal(loans.out, 0)
})

test('a task says until when its answer is waited for, by the clock of the store', async () => {
  const { of, store, texts } = cluster(['a', 'b'])
  store.time = 5000
  await of('a').ask('state', null, undefined, 2)
  assert.deepEqual(
    texts.map((text) => JSON.parse(text).until),
    [EPOCH + 7000],
  )
})

test('who cannot reach the others is told so at once, and nothing is done late; itself it can ask', async () => {
  const { of, cutOff, sent, store } = cluster(['a', 'b'], { a: { reload: () => assert.fail('done in part') } })
  cutOff.add('a')
  await assert.rejects(of('a').ask('reload'), /does not reach Redis/)
  await assert.rejects(of('a').ask('drain', null, [{ name: 'b', incarnation: 'inc-b' }]), /nothing was done/)
  assert.deepEqual([sent, store.time], [[], 0])
  const { answers } = await of('a').ask('drain', null, [{ name: 'a', incarnation: 'inc-a' }])
  assert.deepEqual(answers.get('a'), { value: 'draining' })
})

test('who is in a cluster and has not joined does not know of others, so it cannot ask all', async () => {
  const { of, cutOff, left } = cluster(['a', 'b'])
  left.add('a')
  const { answers } = await of('a').ask('reload')
  assert.deepEqual([...answers.keys()], ['a'], 'without a cluster it is all there is')
  cutOff.add('a')
  await assert.rejects(of('a').ask('reload'), /does not reach Redis/)
})

test('when nobody waits any more, the others are told to stop, and there is room for more', async () => {
  const begun: AbortSignal[] = []
  const sample = (_asked: unknown, signal: AbortSignal) => {
    begun.push(signal)
    return new Promise((resolve) => signal.addEventListener('abort', resolve))
  }
  const { of, store, book, loans } = cluster(['a', 'b'], { b: { sample } })
  for (let round = 0; round < 20; round++) {
    const gone = new AbortController()
    const asking = of('a').ask('sample', null, [{ name: 'b', incarnation: 'inc-b' }], 630, gone.signal)
    while (begun.length <= round) await new Promise(setImmediate)
    gone.abort()
    assert.deepEqual((await asking).silent, ['b'])
  }
  assert.deepEqual([begun.length, begun.every(({ aborted }) => aborted)], [20, true])
  while (loans.out > 0) await new Promise(setImmediate)
  assert.deepEqual([await store.answers('task-1', 0, 1), book.all('cluster-task')], [[], []])
})

test('who was not heard in time is told to stop, too', async () => {
  const signals: AbortSignal[] = []
  const endless = (_asked: unknown, signal: AbortSignal) => {
    signals.push(signal)
    return new Promise(() => {})
  }
  const { of } = cluster(['a', 'b'], { a: { sample: endless }, b: { sample: endless } })
  assert.deepEqual((await of('a').ask('sample')).silent, ['a', 'b'])
  assert.deepEqual([signals.length, signals.every(({ aborted }) => aborted)], [2, true])
})

test('samples, which take minutes, leave room for what else is asked', async () => {
  const { of, deaf } = cluster(['a', 'b'])
  deaf.add('b')
  const gone = new AbortController()
  const b = [{ name: 'b', incarnation: 'inc-b' }]
  const many = Array.from({ length: 8 }, () => of('a').ask('sample', null, b, 630, gone.signal))
  await assert.rejects(of('a').ask('sample', null, b, 630, gone.signal), /8 tasks wait for answers already/)
  await of('a').ask('reload', null, b)
  gone.abort()
  await Promise.all(many)
})
