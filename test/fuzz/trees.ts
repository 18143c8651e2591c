import { type Element, parse } from 'ltx'
import { SaxesParser } from 'saxes'

/** An element as any parser with namespaces reads it. Names are `namespace\nlocal`, or the local one alone where there is no namespace. */
export interface Tree {
  readonly name: string
  /** In the order of their names' code points; declarations are none. */
  readonly attributes: readonly (readonly [name: string, value: string])[]
  /** No text follows another. */
  readonly children: readonly (Tree | string)[]
}

interface Growing extends Tree {
  readonly children: (Tree | string)[]
}

/**
 * Two elements are the same where these texts are: control characters, which XML cannot have, stand before a name, an
 * attribute, its value, the content, and behind the last child. readers.py writes it, too.
 */
export function canonical(tree: Tree): string {
  let text = `\u0001${tree.name}`
  for (const [name, value] of tree.attributes) text += `\u0002${name}\u0003${value}`
  text += '\u0004'
  for (const child of tree.children) text += typeof child === 'string' ? child : canonical(child)
  return `${text}\u0005`
}

export function attributeOf(tree: Tree, name: string): string | undefined {
  return tree.attributes.find(([own]) => own === name)?.[1]
}

/** The tree with an attribute of another value, or without it. */
export function withAttribute(tree: Tree, name: string, value: string | undefined): Tree {
  const others = tree.attributes.filter(([own]) => own !== name)
  return { ...tree, attributes: inOrder(value === undefined ? others : [...others, [name, value]]) }
}

/** The first-level elements of a whole stream; throws at what saxes refuses. */
export function readWithSaxes(text: string): readonly Tree[] {
  const parser = new SaxesParser({ xmlns: true })
  const root: Growing = { name: '', attributes: [], children: [] }
  const open: Growing[] = [root]
  parser.on('error', (error) => {
    throw error
  })
  parser.on('opentag', ({ uri, local, attributes }) => {
    const own = Object.values(attributes)
      .filter((attribute) => attribute.uri !== XMLNS)
      .map((attribute): [string, string] => [nameOf(attribute.uri, attribute.local), attribute.value])
    const tree: Growing = { name: nameOf(uri, local), attributes: inOrder(own), children: [] }
    open.at(-1)?.children.push(tree)
    open.push(tree)
  })
  parser.on('closetag', () => void open.pop())
  parser.on('text', (data) => addText(open.at(-1), data))
  parser.write(text).close()
  return firstLevel(root)
}

const XMLNS = 'http://www.w3.org/2000/xmlns/'
const XML = 'http://www.w3.org/XML/1998/namespace'

/**
 * The same by ltx, which knows no namespaces of attributes and checks nothing: they are resolved here, as whoever uses it
 * would have to. Throws at what it refuses.
 */
export function readWithLtx(text: string): readonly Tree[] {
  return firstLevel({ name: '', attributes: [], children: [fromLtx(parse(text), new Map([['xml', XML]]))] })
}

function fromLtx(element: Element, around: ReadonlyMap<string, string>): Growing {
  const attributes = Object.entries(element.attrs as Readonly<Record<string, string>>)
  const declarations = attributes.filter(([name]) => name === 'xmlns' || name.startsWith('xmlns:'))
  const bound = declarations.length === 0 ? around : new Map(around)
  for (const [name, uri] of declarations) (bound as Map<string, string>).set(name.slice('xmlns:'.length), uri)
  const resolve = (name: string, initial: string): string => {
    const colon = name.indexOf(':')
    if (colon < 0) return nameOf(initial, name)
    return nameOf(bound.get(name.slice(0, colon)) ?? 'unbound', name.slice(colon + 1))
  }
  const own = attributes
    .filter((attribute) => !declarations.includes(attribute))
    .map(([name, value]): [string, string] => [resolve(name, ''), value])
  const tree: Growing = { name: resolve(element.name, bound.get('') ?? ''), attributes: inOrder(own), children: [] }
  for (const child of element.children) {
    if (typeof child === 'string') addText(tree, child)
    else tree.children.push(fromLtx(child as Element, bound))
  }
  return tree
}

function firstLevel({ children }: Tree): readonly Tree[] {
  const [stream] = children
  if (stream === undefined || typeof stream === 'string') throw new Error('no stream')
  const elements = stream.children.filter((child) => typeof child !== 'string')
  if (elements.length < stream.children.length) throw new Error('text between first-level elements')
  return elements
}

function addText(tree: Growing | undefined, text: string): void {
  if (tree === undefined || text === '') return
  const last = tree.children.at(-1)
  if (typeof last === 'string') tree.children[tree.children.length - 1] = last + text
  else tree.children.push(text)
}

function nameOf(uri: string, local: string): string {
  return uri === '' ? local : `${uri}\n${local}`
}

/** By code points, as python sorts: UTF-8 keeps their order. */
function inOrder(attributes: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] {
  if (attributes.length < 2) return attributes
  return [...attributes].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}
