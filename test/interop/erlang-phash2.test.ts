import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { escapeText } from '../../src/xmpp/stream-error.ts'
import { type Ejabberd, startEjabberd } from '../peers/ejabberd.ts'
import { eventually } from '../stub/eventually.ts'
import { startGateway, type TestGateway } from '../stub/gateway.ts'
import { RawInstance } from '../stub/raw-instance.ts'

const BUCKETS = 5
const JIDS = 2000
const secret = 'swordfish'
const criteria = ['source', 'bare_source', 'destination', 'bare_destination'] as const
const domainOf = (criterion: string) => `${criterion.replace('_', '-')}.test`
const CROWD = 'crowd.test'
const components = [...criteria.map(domainOf), CROWD].map((domain) => ({ domain, secret }))
const balancing = Object.fromEntries(
  criteria.map((type) => [domainOf(type), { type, component_number: BUCKETS }] as const),
)

const yaml = (port: number) => `
listen: [{port: 0}]
domains:
${criteria
  .map(
    (criterion) => `  ${domainOf(criterion)}:
    hash: erlang_phash2
    instances: {${Array.from({ length: BUCKETS }, (_, bucket) => `b${bucket}: {secret: s${bucket}, bucket: ${bucket}}`).join(', ')}}
    upstream: {service: "xmpp://127.0.0.1:${port}", secret: ${secret}}`,
  )
  .join('\n')}
domain_balancing: ${JSON.stringify(balancing)}
`

/** Localparts and resources as people have them: ASCII, and what stringprep folds, composes, or reads from right to left. */
const locals = [
  'juliet',
  'Romeo',
  'zoë',
  'Straße',
  'юлия',
  'Ἀθηνᾶ',
  '山田太郎',
  'שלום',
  'ﬁona',
  'İpek',
  'ê\u0323a',
  '㏆',
]
const resources = [
  'balcony',
  'Gajim.1A2B',
  'Küche',
  'Ⅷ Ａ',
  'Телефон',
  'ｶﾞ',
  'a@b/c',
  "it's <so & so",
  '',
  '\u00adhy\u00adphen',
]
const hosts = ['example.com', 'Capulet.Example', 'пример.рф', 'xn--e1afmkfd.test', 'bücher.example', '[::1]']

/** The parts of the nth address; the first ones have no localpart, and some are as long as they may be. */
function partsOf(n: number): { readonly local: string; readonly host: string; readonly resource: string } {
  const stem = locals[n % locals.length] ?? ''
  const long = n % 401 === 7 ? 'x'.repeat(900) : ''
  // Right-to-left text must not hold a digit at its end (RFC 3454 §6).
  const local = n < 20 ? '' : stem === 'שלום' ? 'ש'.repeat(1 + (n % 37)) : `${stem}${n}${long}`
  const resource = resources[(n >> 2) % resources.length] ?? ''
  return { local, host: hosts[(n >> 1) % hosts.length] ?? '', resource: n < 20 ? `${resource}${n}` : resource }
}

function addressOf(n: number, domain?: string): string {
  const { local, host, resource } = partsOf(n)
  return `${local === '' ? '' : `${local}@`}${domain ?? host}${resource === '' ? '' : `/${resource}`}`
}

const attribute = (text: string) => escapeText(text).replaceAll("'", '&apos;')

function message(criterion: (typeof criteria)[number], n: number): string {
  const domain = domainOf(criterion)
  const [from, to] = criterion.endsWith('source') ? [addressOf(n), domain] : [CROWD, addressOf(n, domain)]
  return `<message from='${attribute(from)}' to='${attribute(to)}' id='${n}' type='chat'><body>x</body></message>`
}

/** Per criterion the components of the buckets, in order. */
type Crew = readonly (readonly RawInstance[])[]

async function crewAt(port: number, secretOf: (bucket: number) => string): Promise<Crew> {
  const crew: RawInstance[][] = []
  for (const criterion of criteria) {
    const instances: RawInstance[] = []
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      instances.push(await RawInstance.connect({ port, domain: domainOf(criterion), secret: secretOf(bucket) }))
    }
    crew.push(instances)
  }
  return crew
}

/** Sends every address's message of every criterion, and returns per criterion the bucket that each one met. */
async function bucketsMet(server: Ejabberd, crew: Crew): Promise<readonly (readonly number[])[]> {
  const crowd = await RawInstance.connect({ port: server.componentPort, domain: CROWD, secret })
  for (const criterion of criteria) {
    for (let n = 0; n < JIDS; n++) crowd.send(message(criterion, n))
  }
  const got = () => crew.flat().reduce((sum, { stanzas }) => sum + chats(stanzas).length, 0)
  await eventually(() => got() + crowd.stanzas.length >= criteria.length * JIDS)
  assert.deepEqual(
    crowd.stanzas.map(({ text }) => text),
    [],
    'nothing comes back',
  )
  await crowd.kill()
  return crew.map((instances) => {
    const met = new Array<number>(JIDS).fill(-1)
    for (const [bucket, { stanzas }] of instances.entries()) {
      for (const { id } of chats(stanzas)) met[Number(id)] = bucket
    }
    return met
  })
}

const chats = (stanzas: RawInstance['stanzas']) => stanzas.filter(({ type }) => type === 'chat')

describe('an ejabberd with domain_balancing, and Switchyard with erlang_phash2 behind one without', {
  timeout: 90_000,
}, () => {
  let balanced: Ejabberd
  let plain: Ejabberd
  let gateway: TestGateway
  const crews: Crew[] = []

  before(async () => {
    const started = [{ balancing }, {}].map((options) => startEjabberd({ components, checkFrom: false, ...options }))
    ;[balanced, plain] = (await Promise.all(started)) as [Ejabberd, Ejabberd]
    gateway = await startGateway(yaml(plain.componentPort))
  })
  after(async () => {
    for (const instance of crews.flat(2)) await instance.kill()
    await gateway?.stop()
    await Promise.all([balanced?.stop(), plain?.stop()])
  })

  test(`choose equal buckets for every one of ${JIDS} JIDs, under each criterion`, async () => {
    // ejabberd gives its buckets in the order in which components come.
    crews.push(await crewAt(balanced.componentPort, () => secret))
    crews.push(await crewAt(gateway.port, (bucket) => `s${bucket}`))
    for (const criterion of criteria) await gateway.log.waitFor('link-up', { domain: domainOf(criterion) })
    const [there, here] = [await bucketsMet(balanced, crews[0]!), await bucketsMet(plain, crews[1]!)]
    for (const [index, criterion] of criteria.entries()) {
      const differing = Array.from({ length: JIDS }, (_, n) => n).filter((n) => there[index]?.[n] !== here[index]?.[n])
      assert.deepEqual(
        differing.map((n) => addressOf(n)),
        [],
        criterion,
      )
      assert.ok(
        there[index]?.every((bucket) => bucket >= 0),
        criterion,
      )
      assert.equal(new Set(there[index]).size, BUCKETS, criterion)
    }
  })
})
