import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { pem } from './loading.ts'

const folder = new URL('../../config/', import.meta.url)
const examples = readdirSync(new URL('examples/', folder)).filter((name) => name.endsWith('.yaml'))

/** Loads a file of ours; what it refers to outside of it is there, whatever it is. */
function loadExample(name: string) {
  const text = readFileSync(new URL(name, folder), 'utf8')
  const variables = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, variable]) => [variable, `value-of-${variable}`])
  const readFile = (path: string) => (path.endsWith('.pem') ? pem : `text of ${path}\n`)
  return { text, ...loadConfig(text, { file: name, env: Object.fromEntries(variables), hostname: 'box', readFile }) }
}

for (const name of ['switchyard.yaml', ...examples.map((example) => `examples/${example}`)]) {
  test(`${name} is a valid configuration`, () => {
    assert.deepEqual((loadExample(name).problems ?? []).map(formatProblem), [])
  })
}

test('what npm start runs needs no server, no variable and no other file, and stays on this machine', () => {
  const text = readFileSync(new URL('switchyard.yaml', folder), 'utf8')
  const readFile = () => assert.fail('a file is read')
  const { config } = loadConfig(text, { file: 'switchyard.yaml', env: {}, hostname: 'box', readFile })
  assert.deepEqual(config?.listen, [{ host: '127.0.0.1', port: 5347 }])
  assert.deepEqual(config?.admin, { host: '127.0.0.1', port: 9090 })
  const echo = config?.domains.get('echo.localhost')
  assert.deepEqual(echo?.balancing, { type: 'bare_source', component_number: 3 })
  assert.equal(echo?.upstream, undefined)
})

test('the lines that switchyard.yaml leaves to be uncommented are valid once they are', () => {
  const { text } = loadExample('switchyard.yaml')
  // A line that is commented out has a key or a map behind its mark; prose has neither.
  const uncommented = text.replace(
    /^( *)# ((?: *)(?:node|address|admins|tls|upstream|service|secret|token|cluster|redis):.*)$/gm,
    (line, indent, rest) => (rest.includes('   or   ') ? line : `${indent}${rest}`),
  )
  const { config, problems } = loadConfig(uncommented, {
    file: 'x',
    env: { SWITCHYARD_TOKEN: 't', REDIS_PASSWORD: 'p' },
    hostname: 'box',
    readFile: () => pem,
  })
  assert.deepEqual((problems ?? []).map(formatProblem), [])
  assert.equal(config?.domains.get('echo.localhost')?.upstream?.port, 5275)
  assert.equal(config?.node, 'yard-1')
  assert.equal(config?.admin?.token, 't')
  assert.deepEqual(config?.cluster?.redis, ['redis://switchyard:p@127.0.0.1:6379'])
})
