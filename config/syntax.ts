import { type Document, type LineCounter, parseDocument, type YAMLParseError } from 'yaml'
import type { Complaint } from './problems.ts'

/** A complaint whose position in the text is known, in UTF-16 code units from its start. */
export interface Fault extends Complaint {
  readonly offset: number
}

/** The document of a YAML text; none, or one that counts for nothing, when there are faults. */
export function parse(
  text: string,
  lineCounter: LineCounter,
): { document?: Document.Parsed; faults: readonly Fault[] } {
  try {
    // The log level silences no error here; below this one the parser would take a second document for none.
    const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: false, logLevel: 'error' })
    return { document, faults: syntaxFaults(text, [...document.errors, ...document.warnings], lineCounter) }
  } catch (error) {
    // The parser recurses, and gives up by exhausting the stack.
    if (!(error instanceof RangeError)) throw error
    return { faults: [{ path: [], at: 'value', offset: 0, message: 'is nested too deeply' }] }
  }
}

/** What the parser says with a part of the text in it, or with advice for programmers. */
const told: Readonly<Record<string, string>> = {
  BAD_DQ_ESCAPE: 'Invalid escape sequence',
  MULTIPLE_DOCS: 'More than one document',
}

type SyntaxError = Pick<YAMLParseError, 'pos' | 'code' | 'message'>

function syntaxFaults(text: string, errors: readonly SyntaxError[], counter: LineCounter): readonly Fault[] {
  // Once the parser has lost the structure it complains of every token that follows: only the first is of use.
  const lost = errors.findIndex((error) => error.message.includes(' in YAML stream'))
  const lines = new Set<number>()
  return (lost < 0 ? errors : errors.slice(0, Math.max(lost, 1))).flatMap((error) => {
    const { line } = counter.linePos(error.pos[0])
    if (lines.has(line)) return []
    lines.add(line)
    return [syntaxFault(text, error)]
  })
}

function syntaxFault(text: string, error: SyntaxError): Fault {
  const offset = error.pos[0]
  // Behind a colon the parser quotes the text, which may be a secret; an escape sequence is a part of one. Where it speaks
  // of a colon, a space is before that.
  const said = told[error.code] ?? error.message.split(/(?<=\S):|\n/, 1)[0]
  const reference = text.slice(Math.max(0, offset - 1), offset + 1) === '${'
  const hint = reference ? '; a reference to a variable needs quotes inside { } or [ ]' : ''
  return { path: [], at: 'value', offset, message: `YAML: ${said}${hint}` }
}
