import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startNode } from '../e2e/node.ts'
import { StubInstance } from '../stub/instance.ts'
import { type Case, goesOn, isError } from './case.ts'
import { casesAt } from './catalogue/catalogue.ts'
import { bare } from './catalogue/write.ts'
import { type Answered, HostileServer, inName, parts } from './hostile-server.ts'

/** The catalogue over real sockets, where what else lives on the node can be seen. */

const listening = `
node: yard
listen: [{port: 0}]
domains:
  plays.test: {secret: swordfish}
  other.test: {secret: swordfish}
drain: {seconds: 0}
log: {level: error}
`
const trailing = bare('', " id='trailing'")
/** Larger ones go in pieces as a network has them. */
const SMALL = 4096

const phases = {
  header: { what: 'before its header', connect: (port: number) => StubInstance.connect(port) },
  handshake: { what: 'before its handshake', connect: (port: number) => StubInstance.open(port, 'plays.test') },
  instance: { what: 'as an instance', connect: (port: number) => StubInstance.join(port, 'plays.test') },
}

for (const [place, { what, connect }] of Object.entries(phases)) {
  test(`a stream error ends one stream and nothing else: what a peer sends ${what}`, async (t) => {
    const node = await startNode(t, listening)
    const [sibling, witness] = [await node.join('plays.test'), await node.join('other.test')]
    const cases = casesAt(place as keyof typeof phases).filter(isError)
    for (const one of cases) {
      const attacker = await connect(node.port)
      await attacker.sendPieces(Buffer.concat([one.bytes, Buffer.from(trailing)]), one.bytes.length > SMALL ? 1460 : 16)
      assert.equal(await attacker.error(), one.answer, `${one.name}: ${attacker.received}`)
      sibling.send(bare('', " id='sound'"))
      await sees(witness, (one.out?.toString('utf8') ?? '') + bare('', " id='sound'"), one)
      assert.equal(node.gateway.view.instances('plays.test')?.length, 1, one.name)
    }
    const metrics = await node.gateway.view.metrics()
    for (const condition of new Set(cases.map(({ answer }) => answer))) {
      const times = cases.filter(({ answer }) => answer === condition).length
      assert.ok(metrics.includes(`switchyard_stream_errors_total{condition="${condition}"} ${times}\n`), condition)
    }
  })
}

test('what passes reaches whom it is for, whoever is at the other end of the wire', async (t) => {
  const node = await startNode(t, listening)
  const witness = await node.join('other.test')
  const sender = await node.join('plays.test')
  for (const one of casesAt('instance').filter(({ answer }) => answer === 'passes')) {
    await sender.sendPieces(Buffer.concat([one.bytes, Buffer.from(trailing)]), 1460)
    await sees(witness, (one.out ?? one.bytes).toString('utf8') + trailing, one)
  }
})

test('a hostile server gets the right stream error on every link, and its stanzas go no further', {
  timeout: 60_000,
}, async (t) => {
  const answered = new Map<string, Answered>()
  let all = (): void => {}
  const heard = new Promise<void>((resolve) => {
    all = resolve
  })
  const server = await HostileServer.listen((answer) => {
    // A link comes again: what counts is the first time.
    if (!answered.has(answer.part.domain)) answered.set(answer.part.domain, answer)
    if (answered.size === parts.length) all()
  })
  t.after(() => server.close())
  const node = await startNode(t, linked(server.port))
  const witnesses = new Map<string, StubInstance>()
  for (const { domain } of parts) witnesses.set(domain, await node.join(domain))
  await heard
  for (const { part, condition, said } of answered.values()) {
    const { one, domain } = part
    assert.equal(condition, isError(one) ? one.answer : '', `${one.name}: ${said}`)
    if (one.answer === 'bad-request') assert.match(said, /<error type='modify'><bad-request /, one.name)
    const passed = inName(domain, one.out ?? (one.answer === 'passes' ? one.bytes : '')).toString('utf8')
    const end = goesOn(one) ? inName(domain, trailing).toString('utf8') : ''
    const witness = witnesses.get(domain)
    assert.ok(witness)
    await sees(witness, passed + end, one)
  }
})

/** The next stanzas of an instance are these and no others. */
async function sees(witness: StubInstance, expected: string, { name }: Case): Promise<void> {
  let seen = ''
  const trimmed = expected.replace(/^[ \t\r\n]+/, '')
  while (seen.length < trimmed.length) seen += await witness.stanza()
  assert.equal(seen, trimmed, name)
}

/** A node with a domain, and so a link, for each case. */
function linked(port: number): string {
  const domains = parts.map(
    ({ domain }) => `  ${domain}: {secret: swordfish, upstream: {service: "xmpp://127.0.0.1:${port}", secret: s3cret}}`,
  )
  return `
node: yard
listen: [{port: 0}]
domains:
${domains.join('\n')}
drain: {seconds: 0}
log: {level: error}
`
}
