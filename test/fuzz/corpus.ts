import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Target } from './target.ts'

type Form = Target['form']

const own = (folder: string): string => fileURLToPath(new URL(folder, import.meta.url))
/** What was found by a machine has a hash for a name, and may be replaced by it; all else was put there by somebody. */
const FOUND = /^[0-9a-f]{12}\.(?:txt|hex)$/

/** The inputs that are kept for a target, by the names of their files. */
export function readCorpus(name: string): ReadonlyMap<string, Buffer> {
  const folder = own(`corpus/${name}`)
  const files = existsSync(folder) ? readdirSync(folder).sort() : []
  return new Map(files.map((file) => [file, readInput(`${folder}/${file}`)]))
}

/** A file with one input: `.hex` holds digits, and white space between them. */
export function readInput(path: string): Buffer {
  const bytes = readFileSync(path)
  return path.endsWith('.hex') ? Buffer.from(bytes.toString('latin1').replace(/\s/g, ''), 'hex') : bytes
}

/** Keeps these inputs in place of those that were found before. */
export function writeCorpus(name: string, form: Form, inputs: readonly Buffer[]): void {
  const folder = own(`corpus/${name}`)
  mkdirSync(folder, { recursive: true })
  for (const file of readdirSync(folder)) if (FOUND.test(file)) rmSync(`${folder}/${file}`)
  for (const input of inputs) write(folder, hashOf(input), form, input)
}

/** Writes down an input that breaks something, and returns where. */
export function writeFinding(name: string, form: Form, input: Buffer): string {
  const folder = own('findings')
  mkdirSync(folder, { recursive: true })
  return write(folder, `${name}-${hashOf(input)}`, form, input)
}

function write(folder: string, name: string, form: Form, input: Buffer): string {
  const path = `${folder}/${name}.${form === 'hex' ? 'hex' : 'txt'}`
  const lines = input.toString('hex').match(/.{1,96}/g) ?? []
  writeFileSync(path, form === 'hex' ? `${lines.join('\n')}\n` : input)
  return path
}

function hashOf(input: Buffer): string {
  return createHash('sha256').update(input).digest('hex').slice(0, 12)
}
