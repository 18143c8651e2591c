import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LocalAnswer, type LocalCommands, LocalRouter, type Origin } from '../src/local.ts'
import { Reframer } from '../src/stream/reframe.ts'

const limits = { stanza_bytes: 100_000, depth: 8, elements: 64, attributes: 8, namespaces: 8 }

/** The local router of yard.test, where admin@x.test may use the command `reload`; and who was refused, by which way. */
function local(answer: Awaited<ReturnType<LocalCommands['answer']>> = { payload: '<command/>' }) {
  const refused: string[] = []
  const asked: string[] = []
  const commands: LocalCommands = {
    admit: (from) => (from.startsWith('admin@x.test') ? { full: from, bare: 'admin@x.test' } : undefined),
    refused: (from, origin) => void refused.push(`${from} ${origin}`),
    commands: [{ node: 'reload', name: 'Reload' }],
    answer: async (admin, command) => {
      asked.push(`${admin.full} ${command.attrs.node}`)
      return answer
    },
  }
  const router = new LocalRouter({
    ...{ address: 'yard.test', version: '1', domains: () => ['a.test'], now: () => new Date(0), commands },
  })
  const ask = (stanza: string, origin: Origin): LocalAnswer => {
    const answers: LocalAnswer[] = []
    new Reframer(limits).stanzas(Buffer.from(stanza), (head) => answers.push(router.answer(head, origin)))
    return answers[0]!
  }
  return { ask, asked, refused }
}

const command = (node: string, from = 'admin@x.test/r', action = 'execute') =>
  `<iq type='set' id='1' from='${from}' to='yard.test'><command xmlns='http://jabber.org/protocol/commands' node='${node}' action='${action}'/></iq>`
const disco = (what: 'info' | 'items', node: string, from = 'admin@x.test/r') =>
  `<iq type='get' id='1' from='${from}' to='yard.test'><query xmlns='http://jabber.org/protocol/disco#${what}' node='${node}'/></iq>`
const list = 'http://jabber.org/protocol/commands'

async function textOf(answer: LocalAnswer): Promise<string> {
  assert.ok('text' in answer, answer.kind)
  return answer.text
}

test('an admin whose server vouches for it is answered, once that is there', async () => {
  const { ask, asked } = local()
  const answer = ask(command('reload'), 'vouched')
  assert.equal(answer.kind, 'later')
  assert.equal(await textOf(answer), "<iq type='result' from='yard.test' to='admin@x.test/r' id='1'><command/></iq>")
  assert.deepEqual(asked, ['admin@x.test/r reload'])
})

test('the same address from an instance, or over the link of another domain, is nobody: it could be forged', async () => {
  const { ask, asked, refused } = local()
  for (const origin of ['instance', 'other'] as const) {
    assert.match(await textOf(ask(command('reload'), origin)), /<error type='auth'><forbidden /)
    assert.match(
      await textOf(ask(disco('items', list), origin)),
      origin === 'instance' ? /node='drain'/ : /'><\/query>/,
    )
    assert.match(await textOf(ask(disco('info', 'reload'), origin)), /<service-unavailable /)
  }
  assert.deepEqual([asked, refused], [[], ['admin@x.test/r instance', 'admin@x.test/r other']])
})

test('[XEP-0050 §4.4] anybody else is forbidden, whether the command exists or not', async () => {
  const { ask, asked, refused } = local()
  for (const from of ['eve@x.test/r', 'x.test', 'admin@y.test']) {
    assert.match(await textOf(ask(command('reload', from), 'vouched')), /<error type='auth'><forbidden /, from)
  }
  assert.match(await textOf(ask(command('none', 'eve@x.test/r'), 'vouched')), /<forbidden /)
  assert.match(
    await textOf(ask(`<iq type='set' id='1' to='yard.test'><command xmlns='${list}' node='reload'/></iq>`, 'vouched')),
    /<forbidden /,
  )
  const who = ['eve@x.test/r', 'x.test', 'admin@y.test', 'eve@x.test/r', '']
  assert.deepEqual(
    refused,
    who.map((from) => `${from} vouched`),
  )
  assert.deepEqual(asked, [])
})

test('[XEP-0050 §2.2] the commands are listed and described to who may use them', async () => {
  const { ask } = local()
  assert.match(
    await textOf(ask(disco('items', list), 'vouched')),
    /<item jid='yard.test' node='reload' name='Reload'\/><\/query>/,
  )
  assert.match(await textOf(ask(disco('items', list, 'eve@x.test'), 'vouched')), /node='[^']*'><\/query>/)
  assert.match(await textOf(ask(disco('info', list), 'vouched')), /type='command-list'/)
  const info = await textOf(ask(disco('info', 'reload'), 'vouched'))
  assert.match(info, /<identity category='automation' type='command-node' name='Reload'\/>/)
  assert.match(info, /<feature var='jabber:x:data'\/>/)
  assert.match(await textOf(ask(disco('info', 'reload', 'eve@x.test'), 'vouched')), /<service-unavailable /)
})

test('what a command answers as an error goes out as one, with the condition of XEP-0050', async () => {
  const { ask } = local({ condition: 'bad-request', specific: 'bad-payload', text: "'from' is <missing>" })
  const text = await textOf(ask(command('reload'), 'vouched'))
  assert.match(
    text,
    /^<iq type='error' from='yard.test' to='admin@x.test\/r' id='1'><command [^>]* node='reload'\/><error type='modify'><bad-request /,
  )
  assert.match(
    text,
    /&#60;missing&#62;<\/text><bad-payload xmlns='http:\/\/jabber.org\/protocol\/commands'\/><\/error>/,
  )
})

test('an instance asks to be drained by a command of its own, and nobody else can', async () => {
  const { ask } = local()
  const answer = ask(command('drain', 'a.test'), 'instance')
  assert.deepEqual([answer.kind, 'drain' in answer && answer.drain], ['reply', true])
  assert.match(await textOf(ask(command('drain', 'eve@x.test'), 'vouched')), /<forbidden /)
  assert.match(await textOf(ask(command('drain', 'a.test', 'cancel'), 'instance')), /<forbidden /)
})
