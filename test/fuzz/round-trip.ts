import assert from 'node:assert/strict'
import { ns } from '../../src/xmpp/namespaces.ts'
import type { Envelope } from '../../src/xmpp/stanza-error.ts'
import { Dice, Generator } from './generator.ts'
import { type Conversation, DELAYED_AT, DELAYED_BY, Passage, type Passed, type Side } from './passage.ts'
import { Python } from './python.ts'
import { attributeOf, canonical, readWithLtx, readWithSaxes, type Tree, withAttribute } from './trees.ts'

export interface RoundTripRun {
  readonly seed: number
  /** How many stanzas at most: each goes in on one side, and what it has become comes out somewhere, or nowhere. */
  readonly stanzas: number
  /** Asked now and then: no more stanzas once it is true. */
  readonly isOver?: () => boolean
}

/** How many there were of each fate, and of texts that four parsers have read. */
export type RoundTrips = ReadonlyMap<string, number>

const header = `<stream:stream xmlns='${ns.component}' xmlns:stream='${ns.streams}' id='0f' from='a.test'>`
/** Stands between two stanzas of what is read: a stanza that swallows what follows swallows it. */
const BETWEEN = '<end/>'
const between = canonical({ name: `${ns.component}\nend`, attributes: [], children: [] })

const own = [
  'a.test',
  'u@a.test',
  'u@a.test/r',
  'U@A.tEst/R',
  'é@a.test/名',
  'u@a.test/&lt;&amp;&apos;&quot;',
  'u@a.test/ ',
]
const foreign = ['x@far.test/r', 'far.test', 'ä@fär.test/&gt;&quot;', 'x@far.test/&#9;&#10;', '@', 'x y@far.test']
const addresses = {
  instance: { from: own, to: [...foreign, 'b.test', 'u@b.test/r', 'a.test', 'switchyard.localhost'] },
  server: { from: [...foreign, ...foreign, 'b.test'], to: [...own, 'b.test'] },
}

/** A new node after so many documents: what it remembers of requests would be their number. */
const PER_NODE = 400
/** Documents that are written, and read, at the same time. */
const AT_ONCE = 40

/**
 * Whatever an instance or a server sends: each stanza that comes out is one for four parsers (expat, libxml2, saxes, ltx), the
 * same one, and the one that came in, but for an id that stands for it, or an answer to it that has nothing of its content.
 * Throws at the first that is not.
 */
export async function runRoundTrips(run: RoundTripRun): Promise<RoundTrips> {
  const python = new Python('readers.py', '/usr/bin/python3')
  try {
    return await new RoundTripper(python, run).run()
  } finally {
    await python.close()
  }
}

class RoundTripper {
  readonly #python: Python
  readonly #run: RoundTripRun
  readonly #fates = new Map<string, number>()
  readonly #generators: { readonly [side in Side]: Generator }
  #taken = 0
  /** The first thing that was wrong: several are read at the same time. */
  #failure: Error | undefined

  constructor(python: Python, run: RoundTripRun) {
    this.#python = python
    this.#run = run
    const dice = new Dice(run.seed)
    this.#generators = {
      instance: new Generator(dice, addresses.instance),
      server: new Generator(dice, addresses.server),
    }
  }

  async run(): Promise<RoundTrips> {
    let passage = new Passage()
    let waiting: Promise<unknown> = Promise.resolve()
    for (let n = 0; this.#taken < this.#run.stanzas && !this.#run.isOver?.(); n += AT_ONCE) {
      if (n % PER_NODE === 0) passage = new Passage()
      const answers: Promise<void>[] = []
      for (let i = n; i < n + AT_ONCE; i++) answers.push(...this.#document(passage, i))
      await passage.settle()
      await waiting
      this.#orThrow()
      waiting = Promise.all(answers)
    }
    await waiting
    this.#orThrow()
    return this.#fates
  }

  #orThrow(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #document(passage: Passage, n: number): Promise<void>[] {
    const side = n % 2 === 0 ? 'instance' : 'server'
    const document = this.#generators[side].document()
    const about = (came: Buffer): string =>
      `document ${n} of seed ${this.#run.seed}, from the ${side}: ${JSON.stringify(document.toString('latin1'))}` +
      (came === document ? '' : `, answered with ${JSON.stringify(came.toString('latin1'))}`)
    const conversation = passage.send(side, document)
    const answers = [this.#check(conversation, document, () => about(document))]
    for (const { by, envelope } of conversation.asked) {
      const answer = answerTo(envelope)
      answers.push(this.#check(passage.send(by, answer), answer, () => about(answer)))
    }
    return answers
  }

  async #check({ stanzas, side }: Conversation, came: Buffer, about: () => string): Promise<void> {
    if (stanzas.length === 0) return this.#count('nothing taken')
    const texts = stanzas.flatMap(textsOf)
    const out = `${header}${texts.map((text) => text + BETWEEN).join('')}</stream:stream>`
    let trees: readonly Tree[] = []
    try {
      trees = readWithSaxes(out)
      assert.deepEqual(readWithLtx(out).map(canonical), trees.map(canonical), 'ltx and saxes read different stanzas')
      assert.equal(trees.length, 2 * texts.length, 'more or fewer stanzas are read than were written')
      let at = 0
      let taken = ''
      for (const stanza of stanzas) {
        const count = textsOf(stanza).length
        const its = trees.slice(at, at + 2 * count)
        for (let i = 1; i < its.length; i += 2) assert.equal(canonical(its[i] as Tree), between, 'what stands between')
        this.#judge(
          stanza,
          its.filter((_, i) => i % 2 === 0),
          side,
        )
        taken += canonical(its[0] as Tree)
        at += 2 * count
      }
      this.#count('texts read by four parsers', texts.length)
      this.#taken += stanzas.length
      const disagreement = await this.#python.ask(
        ...[came, Buffer.from(taken), Buffer.from(out)].flatMap((text) => [sizeOf(text), text]),
        Buffer.from(trees.map(canonical).join('')),
      )
      assert.equal(disagreement, null)
    } catch (error) {
      this.#failure ??= new Error(`${about()}: ${out}`, { cause: error })
    }
  }

  /** @param trees of the stanza as it was taken, then as it is sent again, then what came out, each once */
  #judge({ taken, delayed, out }: Passed, trees: readonly Tree[], side: Side): void {
    const [first] = trees
    assert.ok(first)
    const came = side === 'instance' ? withItsDomain(first) : first
    const treeOf = new Map(textsOf({ taken, delayed, out }).map((text, i) => [text, trees[i] as Tree]))
    if (!delayed.equals(taken)) {
      const tree = treeOf.get(`${delayed}`) as Tree
      assert.equal(canonical(tree), canonical({ ...first, children: [...first.children, delay] }), 'with a delay')
    }
    assert.ok(out.length <= 1, `${out.length} stanzas of one`)
    const [answer] = out
    const fate = answer === undefined ? 'dropped' : fateOf(came, treeOf.get(`${answer.bytes}`) as Tree)
    assert.notEqual(fate, undefined, 'another stanza has come out')
    this.#count(`from the ${side}: ${fate}`)
  }

  #count(what: string, by = 1): void {
    this.#fates.set(what, (this.#fates.get(what) ?? 0) + by)
  }
}

const delay: Tree = {
  name: `${ns.delay}\ndelay`,
  attributes: [
    ['from', DELAYED_BY],
    ['stamp', DELAYED_AT],
  ],
  children: [],
}

/** The different texts of a stanza: as it was taken, as it is sent again, and what came out. */
function textsOf({ taken, delayed, out }: Passed): readonly string[] {
  return [...new Set([taken, delayed, ...out.map(({ bytes }) => bytes)].map((bytes) => bytes.toString()))]
}

/** What has been made of a stanza; undefined where it is none of what may be. */
function fateOf(came: Tree, left: Tree): string | undefined {
  const [id, newId] = [attributeOf(came, 'id'), attributeOf(left, 'id')]
  if (canonical(came) === canonical(left)) return 'the same'
  if (canonical(withAttribute(came, 'id', newId)) === canonical(left)) {
    const type = attributeOf(came, 'type')
    if (type === 'get' || type === 'set') return idIn(newId) === id ? 'with a token' : undefined
    return idIn(id) === newId ? 'with its own id again' : undefined
  }
  return isAnswer(came, left, id) ? (attributeOf(left, 'type') === 'error' ? 'bounced' : 'answered') : undefined
}

/** An instance's stanza goes on with its domain in normal form. */
function withItsDomain(came: Tree): Tree {
  const from = attributeOf(came, 'from')?.replace(/^([^@/]*@)?[^/]*/, '$1a.test')
  return withAttribute(came, 'from', from)
}

/** The id that a token carries (replies.ts), by another hand. */
function idIn(token = ''): string | undefined {
  const [, form, carried = ''] = /^sy-[a-z2-7]{16}([px])([\s\S]*)$/.exec(token) ?? []
  if (form === undefined) return undefined
  return form === 'p' ? carried : Buffer.from(carried, 'hex').toString('utf8')
}

/** Of the same kind, the addresses exchanged, the id kept, and of its content nothing. */
function isAnswer(came: Tree, left: Tree, id: string | undefined): boolean {
  const isError = attributeOf(left, 'type') === 'error'
  if (left.name !== came.name || (!isError && attributeOf(left, 'type') !== 'result')) return false
  const names = left.attributes.map(([name]) => name)
  if (names.some((name) => !['type', 'from', 'to', 'id'].includes(name))) return false
  const isExchanged =
    attributeOf(left, 'to') === attributeOf(came, 'from') &&
    (attributeOf(came, 'to') === undefined || attributeOf(left, 'from') === attributeOf(came, 'to'))
  if (!isExchanged || attributeOf(left, 'id') !== id) return false
  const [error] = left.children
  if (!isError) return left.children.length <= 1
  if (left.children.length !== 1 || error === undefined || typeof error === 'string') return false
  const [condition] = error.children
  const isCondition = typeof condition === 'object' && condition.name.startsWith(`${ns.stanzaErrors}\n`)
  return error.name === `${ns.component}\nerror` && error.children.length === 1 && isCondition
}

/** The result that whoever was asked gives; the values stand as they came. */
function answerTo({ from, to, id }: Envelope): Buffer {
  const quoted = (raw = ''): string => raw.replaceAll("'", '&apos;')
  const addresses = `from='${quoted(to)}' to='${quoted(from)}' id='${quoted(id)}'`
  return Buffer.from(
    `${header}<iq type='result' ${addresses}><x xmlns='urn:x' y='&lt;'>]]&gt;</x></iq></stream:stream>`,
  )
}

function sizeOf(bytes: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(bytes.length)
  return size
}
