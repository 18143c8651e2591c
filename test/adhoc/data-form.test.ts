import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'ltx'
import { type Field, formToFill, resultForm, valuesOf } from '../../src/adhoc/data-form.ts'

const fields: readonly Field[] = [
  { name: 'domain', label: 'Domain', type: 'list-single', options: [{ value: 'a.test', label: 'a & b' }] },
  { name: 'from', label: 'From', type: 'jid-single' },
]

const submit = (inner: string, type = 'submit') => parse(`<x xmlns='jabber:x:data' type='${type}'>${inner}</x>`)
const field = (name: string, ...values: readonly string[]) =>
  `<field var='${name}'>${values.map((value) => `<value>${value}</value>`).join('')}</field>`

test('[XEP-0004 §3.2] a form names its fields, which are required, and what may be chosen', () => {
  const form = parse(formToFill('T <1>', 'Do', fields).toString())
  assert.deepEqual([form.attrs.type, form.getChildText('title')], ['form', 'T <1>'])
  const [list, jid] = form.getChildren('field')
  assert.deepEqual([list?.attrs.var, list?.attrs.type, jid?.attrs.type], ['domain', 'list-single', 'jid-single'])
  assert.ok(list?.getChild('required') && jid?.getChild('required'))
  const option = list?.getChild('option')
  assert.deepEqual([option?.attrs.label, option?.getChildText('value')], ['a & b', 'a.test'])
})

test('[XEP-0004 §3.4] a table has its columns once, and every row all of them; nothing in it can break the stream', () => {
  const form = parse(resultForm('T', ['Node', 'Since when'], [['a</x>', '\u0000b'], ['c']]).toString())
  const columns = form
    .getChild('reported')
    ?.getChildren('field')
    .map(({ attrs }) => attrs.var)
  assert.deepEqual(columns, ['node', 'since_when'])
  const rows = form
    .getChildren('item')
    .map((item) => item.getChildren('field').map((cell) => cell.getChildText('value')))
  assert.deepEqual(rows, [
    ['a</x>', '\uFFFDb'],
    ['c', ''],
  ])
})

test('what was filled in is read by name, and what was not asked for is left out', () => {
  const form = submit(`${field('FORM_TYPE', 'x')}${field('from', 'a@x.test')}${field('domain', 'a.test')}<field/>`)
  assert.deepEqual(valuesOf(form, fields), { values: { domain: 'a.test', from: 'a@x.test' } })
})

test('a form that lacks a field, gives one twice or at length, or is none to be read, says so', () => {
  const both = field('domain', 'a.test')
  const cases: readonly (readonly [ReturnType<typeof submit> | undefined, RegExp])[] = [
    [undefined, /no form/],
    [submit(both + field('from', 'a'), 'form'), /type 'form'/],
    [submit(both), /'from' is missing/],
    [submit(both + field('from', '')), /'from' is missing/],
    [submit(both + field('from')), /'from' is missing/],
    [submit(both + field('from', 'a', 'b')), /more than one value/],
    [submit(both + field('from', 'a') + field('from', 'b')), /more than one value/],
    [submit(both + field('from', 'x'.repeat(3072))), /longer than 3071/],
  ]
  for (const [form, problem] of cases) {
    const read = valuesOf(form, fields)
    assert.match('problem' in read ? read.problem : 'none', problem)
  }
})
