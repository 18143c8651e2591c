/** A seeded source of choices (mulberry32): the same seed, the same documents. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From [0, 1). */
  roll(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  below(n: number): number {
    return Math.floor(this.roll() * n)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  chance(p: number): boolean {
    return this.roll() < p
  }

  times(most: number, make: () => string): string {
    let text = ''
    for (let n = this.below(most + 1); n > 0; n--) text += make()
    return text
  }
}

const streams = 'http://etherx.jabber.org/streams'
const xml = 'http://www.w3.org/XML/1998/namespace'
const names = [
  'message',
  'iq',
  'presence',
  'body',
  'x',
  'query',
  'é',
  'Жук',
  '名',
  'a.b-c',
  '_',
  'stream',
  'xmlns',
  'a\u0300',
]
const prefixes = ['p', 'q', 'h', 'stream', 'xml', 'é', 'nowhere']
const uris = [
  'jabber:component:accept',
  streams,
  'urn:a',
  'urn:b',
  'urn:a&amp;b',
  'http&#58;//etherx.jabber.org/streams',
  'urn:é',
]
const badUris = [xml, 'http://www.w3.org/2000/xmlns/', 'a b', 'a&#10;b', 'a|b', 'a}b', 'a\tb', '', 'u\u00a0v']
const texts = [
  'hello',
  ' ',
  '\n',
  '\r\n',
  '\r',
  '\t',
  'é',
  '名前',
  '😀',
  ']',
  ']]',
  '>',
  '&amp;',
  '&lt;',
  '&gt;',
  '&apos;',
  '&quot;',
  '&#65;',
  '&#x1F600;',
  '&#13;',
  '&#10;',
  '&#0000000065;',
  '"',
  "'",
  '\x7f',
  '\u0085',
  '\ufeff',
]
const cdatas = ['', 'x', '<a>&amp;', ']]', ']', '\r\n', 'é😀', '&foo;']
const hostile = [
  '<!-- c -->',
  '<?pi x?>',
  '<?xml version="1.0"?>',
  '<!DOCTYPE a>',
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  '&foo;',
  '&a',
  '&;',
  '&#;',
  '&#x;',
  '&#0;',
  '&#xD800;',
  '&#xFFFE;',
  '&#x110000;',
  '&#99999999999999999999;',
  '&#xG;',
  '&#X41;',
  '& ',
  '<',
  '</',
  '</x>',
  '<1/>',
  '<a b/>',
  '<a b=c/>',
  '<a b="1"c="2"/>',
  '<a b="1" b="2"/>',
  '<a b="<"/>',
  '<a / >',
  '< a/>',
  '<a:b:c/>',
  '<:a/>',
  '<a:/>',
  '<p:1 xmlns:p="u"/>',
  ']]>',
  '\u0000',
  '\u0001',
  '\ufffe',
  '\uffff',
  '<a xmlns:xml="u"/>',
  '<a xmlns:xmlns="u"/>',
  '<a xmlns:p=""/>',
  '<xmlns:a/>',
  '<a xmlns:p="u" xmlns:q="u" p:x="" q:x=""/>',
  '<×/>',
  '<a×/>',
  '<😀/>',
  '<a \u0300="1"/>',
  '<a xmlns=""/>',
  '<a xmlns:="u"/>',
  '<xml:a xml:b="1"/>',
  '<![CDATA[',
  '<![cdata[x]]>',
  '<a b="&foo;"/>',
  '<a></a ><b></b\n>',
  '<a></ a>',
  '<a></a b>',
]
const bytes = [
  'c080',
  'eda080',
  'f4908080',
  'ff',
  'fe',
  'c3',
  'e282',
  '80',
  'efbfbe',
  'efbfbf',
  'f0808080',
  'e08080',
  '00',
  'f5808080',
]

/** Addresses that a stanza has, so that it finds its way. */
export interface Addresses {
  readonly from: readonly string[]
  readonly to: readonly string[]
}
const ids = [
  '1',
  'a-b.c_d:e',
  'é 😀',
  '&lt;&amp;&gt;',
  '&apos;&quot;',
  '&#9;&#10;&#13;',
  '',
  ' ',
  'x\ty',
  'p',
  ']]&gt;',
  ' ',
]
const types: readonly (string | undefined)[] = [
  undefined,
  ...['get', 'set', 'get', 'set', 'result', 'error', 'chat', 'headline', 'normal', 'unavailable', 'g&#101;t', ''],
]

/** Writes documents that are streams: most are what a component might send, many are broken somewhere. */
export class Generator {
  readonly #dice: Dice
  /** The document in the making holds what is refused now and then; the others are well-formed until they are injured. */
  #wild = false

  readonly #addresses: Addresses | undefined

  constructor(dice: Dice, addresses?: Addresses) {
    this.#dice = dice
    this.#addresses = addresses
  }

  document(): Buffer {
    const dice = this.#dice
    this.#wild = dice.chance(0.3)
    const text = this.#declaration() + this.#stream()
    const whole = Buffer.from(this.#wild && dice.chance(0.02) ? `\ufeff${text}` : text)
    if (this.#wild ? dice.chance(0.8) : dice.chance(0.6)) return whole
    return dice.chance(0.15) ? whole.subarray(0, dice.below(whole.length)) : this.#mutate(whole)
  }

  #declaration(): string {
    const dice = this.#dice
    if (dice.chance(0.5)) return dice.times(1, () => dice.pick([' ', '\n', '']))
    if (!this.#wild || dice.chance(0.7))
      return dice.pick([
        "<?xml version='1.0'?>",
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        "<?xml version='1.0' encoding='utf-8' standalone='no' ?>",
      ])
    return dice.pick([
      "<?xml version='1.0' encoding='UTF-16'?>",
      "<?xml version='1.0' encoding='bogus'?>",
      "<?xml encoding='utf-8'?>",
      "<?xml version=''?>",
      "<?xml version='1.0'encoding='utf-8'?>",
      "<?xml version='1.1' standalone='maybe'?>",
      '<?xml?>',
      " <?xml version='1.0'?>",
      "<?XML version='1.0'?>",
      "<?xml version = '1.0'\n?>",
      '<?xml-style x?>',
      "<?xml version='1.0' standalone='yes' encoding='utf-8'?>",
      "<?xml version='1 0'?>",
      "<?xml version='1.0' encoding='ISO-8859-1'?>",
      "<?xml version='1.0' ? >",
      "<?xml version='1.0' x='y'?>",
      '<!-- c -->',
      '<!DOCTYPE stream>',
      '<?xml version=\'1.0"?>',
      'x',
      '\u0000',
    ])
  }

  #stream(): string {
    const dice = this.#dice
    const open = dice.chance(this.#addresses === undefined ? 0.9 : 0.99)
      ? 'stream:stream'
      : dice.pick(['stream', 'a', 'p:é'])
    const content =
      this.#addresses !== undefined || dice.chance(0.9)
        ? " xmlns='jabber:component:accept'"
        : dice.pick(['', " xmlns='jabber:client'", ` xmlns='${streams}'`])
    const prefixed = ` xmlns:stream='${streams}'${!this.#wild || dice.chance(0.5) ? " xmlns:h='urn:header' xmlns:p='urn:p' xmlns:q='urn:header'" : ''}`
    const header = `<${open}${content}${prefixed} to='a.example'${this.#space()}>`
    const body = dice.times(
      5,
      () =>
        dice.pick(['', ' ', '\n', '\r\n']) +
        (this.#addresses !== undefined || !this.#wild || dice.chance(0.94) ? this.#element(1) : this.#between()),
    )
    return `${header}${body}${dice.chance(0.9) ? `</${open}${this.#space()}>` : ''}${this.#wild && dice.chance(0.15) ? dice.pick(['\n', 'x', '<a/>', '<!-- -->']) : ''}`
  }

  #between(): string {
    return this.#dice.pick([
      ...hostile,
      ...texts,
      '<stream:stream>',
      `<stream xmlns='${streams}'/>`,
      '<![CDATA[ ]]>',
      '&#32;',
    ])
  }

  #space(): string {
    return this.#dice.chance(0.1) ? this.#dice.pick([' ', '\t', '\n', '\r\n ']) : ''
  }

  #element(depth: number): string {
    const dice = this.#dice
    const declared = dice.chance(0.15) ? dice.pick(prefixes.slice(0, 3)) : ''
    // What is no stanza of its own namespace ends a stream.
    const isStanza = this.#addresses !== undefined && depth === 1 && dice.chance(0.95)
    const prefix =
      !isStanza && dice.chance(0.12)
        ? declared !== '' && dice.chance(0.8)
          ? declared
          : dice.pick(this.#prefixes())
        : ''
    const local = isStanza || (depth === 1 && dice.chance(0.8)) ? dice.pick(names.slice(0, 3)) : dice.pick(names)
    const name = prefix === '' ? local : `${prefix}:${local}`
    const declarations =
      (declared === '' ? '' : ` xmlns:${declared}=${this.#quoted(this.#uri())}`) +
      (!isStanza && dice.chance(0.35) ? ` xmlns=${this.#quoted(this.#uri())}` : '')
    const attributes = isStanza && this.#addresses !== undefined ? this.#routed(this.#addresses) : this.#attributes()
    const tag = `<${name}${declarations}${attributes}${this.#space()}`
    if (isStanza && local === 'iq' && dice.chance(0.8)) return `${tag}>${this.#element(2)}</${name}>`
    if (dice.chance(0.25)) return `${tag}/>`
    return `${tag}>${dice.times(depth > 4 ? 1 : 4, () => this.#content(depth))}</${!this.#wild || dice.chance(0.99) ? name : dice.pick(names)}${this.#space()}>`
  }

  #content(depth: number): string {
    const dice = this.#dice
    const roll = dice.roll()
    if (roll < 0.4 && depth < 8) return this.#element(depth + 1)
    if (roll < 0.94) return dice.pick(texts)
    if (!this.#wild || roll < 0.985) return `<![CDATA[${dice.pick(cdatas)}]]>`
    return dice.pick(hostile)
  }

  #uri(): string {
    return this.#dice.pick(!this.#wild || this.#dice.chance(0.9) ? uris : badUris)
  }

  /** Prefixes that are bound everywhere; in a wild document others, too. */
  #prefixes(): readonly string[] {
    return this.#wild ? prefixes : ['p', 'h', 'stream', 'xml']
  }

  #attributes(): string {
    const dice = this.#dice
    const used = new Set<string>()
    return dice.times(4, () => {
      const name = dice.chance(0.7)
        ? dice.pick(['from', 'to', 'id', 'type', 'lang', 'é'])
        : `${dice.pick(this.#prefixes())}:${dice.pick(names)}`
      if (!this.#wild && used.has(name)) return ''
      used.add(name)
      return `${dice.pick([' ', ' ', ' ', '\n', '\t '])}${name}${this.#space()}=${this.#space()}${this.#quoted(this.#value())}`
    })
  }

  /** The attributes of a stanza that somebody may take, in any order, and perhaps one more. */
  #routed({ from, to }: Addresses): string {
    const dice = this.#dice
    const chosen: [string, string | undefined][] = [
      ['from', dice.chance(0.98) ? dice.pick(from) : undefined],
      ['to', dice.chance(0.95) ? dice.pick(to) : undefined],
      ['id', dice.chance(0.9) ? dice.pick(ids) : undefined],
      ['type', dice.pick(types)],
      ['xml:lang', dice.chance(0.1) ? 'en' : undefined],
      ['p:x', dice.chance(0.05) ? this.#value() : undefined],
    ]
    for (let i = chosen.length - 1; i > 0; i--) {
      const other = dice.below(i + 1)
      const kept = chosen[i]
      if (kept !== undefined) chosen.splice(i, 1, ...chosen.splice(other, 1, kept))
    }
    return chosen.map(([name, value]) => (value === undefined ? '' : ` ${name}=${this.#quoted(value)}`)).join('')
  }

  #value(): string {
    const dice = this.#dice
    if (dice.chance(0.5)) return dice.pick(['a@b.example/c', 'chat', 'get', 'result', 'é@ж', ''])
    return dice.times(3, () => dice.pick(texts))
  }

  #quoted(value: string): string {
    const quote = this.#dice.chance(0.5) ? "'" : '"'
    return `${quote}${value.replaceAll(quote, quote === "'" ? '&apos;' : '&quot;')}${quote}`
  }

  /** One or two injuries: bytes taken out, put in, changed, doubled or swapped for hostile ones. */
  #mutate(whole: Buffer): Buffer {
    const dice = this.#dice
    let document = whole
    for (let n = 1 + dice.below(2); n > 0; n--) {
      const at = dice.below(document.length + 1)
      const to = Math.min(document.length, at + dice.pick([0, 0, 1, 1, 2, 10]))
      const put = dice.pick([
        () => Buffer.alloc(0),
        () => Buffer.from(dice.pick(hostile)),
        () => Buffer.from(dice.pick(bytes), 'hex'),
        () => Buffer.from(dice.pick([...'<>&;\'"=:/!?[]- \n\rx1'])),
        () => Buffer.from(document.subarray(at, at + dice.below(20))),
      ])()
      document = Buffer.concat([document.subarray(0, at), put, document.subarray(to)])
    }
    return document
  }
}
