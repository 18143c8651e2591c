import { Element } from 'ltx'
import { ns } from '../xmpp/namespaces.ts'
import { printable } from './printable.ts'

/** One field of a form that is filled in (XEP-0004 §3.2); every one is required. */
export interface Field {
  readonly name: string
  readonly label: string
  readonly type: 'text-single' | 'jid-single' | 'list-single'
  /** Of a list: what may be chosen. */
  readonly options?: readonly { readonly value: string; readonly label: string }[]
}

/** What was filled in, by the fields' names. */
export type Values = Readonly<Record<string, string>>

/** As long as an address can be, in characters. */
const longest = 3071

/** A form to be filled in. */
export function formToFill(title: string, instructions: string, fields: readonly Field[]): Element {
  const form = new Element('x', { xmlns: ns.dataForms, type: 'form' })
  form.c('title').t(printable(title))
  form.c('instructions').t(printable(instructions))
  for (const { name, label, type, options = [] } of fields) {
    const field = form.c('field', { var: name, type, label: printable(label) })
    field.c('required')
    for (const { value, label: shown } of options) {
      field
        .c('option', { label: printable(shown) })
        .c('value')
        .t(printable(value))
    }
  }
  return form
}

/** A table as a form of type result (XEP-0004 §3.4). */
export function resultForm(title: string, columns: readonly string[], rows: readonly (readonly string[])[]): Element {
  const form = new Element('x', { xmlns: ns.dataForms, type: 'result' })
  form.c('title').t(printable(title))
  const reported = form.c('reported')
  for (const label of columns) reported.c('field', { var: varOf(label), type: 'text-single', label })
  for (const row of rows) {
    const item = form.c('item')
    for (const [at, label] of columns.entries()) {
      item
        .c('field', { var: varOf(label) })
        .c('value')
        .t(printable(row[at] ?? ''))
    }
  }
  return form
}

function varOf(label: string): string {
  return label.toLowerCase().replaceAll(/[^a-z]+/g, '_')
}

/**
 * Reads a form that was filled in (XEP-0004 §3.1): the values of these fields, or what is wrong with it, for people.
 * Fields that were not asked for are left out.
 */
export function valuesOf(
  form: Element | undefined,
  fields: readonly Field[],
): { readonly values: Values } | { readonly problem: string } {
  if (form === undefined) return { problem: 'no form was filled in' }
  if (form.attrs.type !== 'submit')
    return { problem: `the form is of type '${form.attrs.type ?? 'form'}', not 'submit'` }
  const values: Record<string, string> = {}
  for (const { name } of fields) {
    const given = form.getChildren('field').filter(({ attrs }) => attrs.var === name)
    const texts = given.flatMap((field) => field.getChildren('value').map((value) => value.getText()))
    const [text = ''] = texts
    if (texts.length > 1) return { problem: `'${name}' has more than one value` }
    if (text === '') return { problem: `'${name}' is missing` }
    if (text.length > longest) return { problem: `'${name}' is longer than ${longest} characters` }
    values[name] = text
  }
  return { values }
}
