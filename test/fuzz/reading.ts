import assert from 'node:assert/strict'
import { loadExpress } from '../../src/scanning.ts'
import { Found, Framer } from '../../src/xmpp/framer.ts'
import { Scanners } from '../../src/xmpp/scanners.ts'
import type { Dice } from './generator.ts'

export const componentStream =
  "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>"
export const limits = { stanza_bytes: 1 << 20, depth: 1000, elements: 10_000, attributes: 1000, namespaces: 1000 }

const express = loadExpress(limits.stanza_bytes)
assert.ok(express, 'this machine runs no WebAssembly with SIMD, so the express scanner would not be tested')
/** The plain framer alone, and with the express scanner before it. */
export const plain = new Scanners(limits)
export const both = new Scanners(limits, express)

export interface Reading {
  /** The condition of the error, or whether the stream is closed. */
  readonly what: string
  readonly text: string
  /** The first-level elements as they go on. */
  readonly elements: readonly Buffer[]
  /** All that was found, in order, as a string to compare. */
  readonly trace: string
  readonly rewritten: number
}

/** What a framer finds in a document that comes in the pieces that `cuts`, ascending offsets, make of it. */
export function read(document: Buffer, cuts: Iterable<number>, scanners = both): Reading {
  const framer = new Framer(scanners)
  const elements: Buffer[] = []
  let what = 'open'
  let trace = ''
  let from = 0
  for (const cut of [...cuts, document.length]) {
    if (framer.error !== undefined) break
    framer.push(document.subarray(from, cut))
    from = cut
    for (let found = framer.next(); found !== Found.nothing; found = framer.next()) {
      trace += `${found} `
      if (found === Found.footer) what = 'whole'
      if (found === Found.error) break
      if (found !== Found.stanza && found !== Found.element) continue
      const { head } = framer
      elements.push(Buffer.from(head.bytes))
      trace += `${head.bytes} ${head.kind} ${head.type} ${head.tagEnd - head.start} ${head.children} ${head.streams} `
      trace += `${head.text(head.fromStart, head.fromEnd)} ${head.text(head.toStart, head.toEnd)} ${head.text(head.idStart, head.idEnd)} `
    }
  }
  if (framer.error !== undefined) what = framer.error.condition
  else if (framer.pending > 0) what = 'open'
  return { what, text: framer.error?.text ?? '', elements, trace: `${trace}${what}`, rewritten: framer.rewritten }
}

export function* randomCuts(length: number, dice: Dice): Iterable<number> {
  for (let at = dice.below(40); at < length; at += 1 + dice.below(40)) yield at
}

export const everyByte = (length: number): readonly number[] =>
  Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1)
