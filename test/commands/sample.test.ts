import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { Given } from '../../src/commands/given.ts'
import { sample } from '../../src/commands/sample.ts'
import { exitCodes, SwitchyardError } from '../../src/errors.ts'

/** Runs the command against what is said to be a node; resolves with its exit code and what it printed. */
async function run(node: string) {
  const said = { out: '', err: '' }
  const given: Given = {
    args: [],
    options: new Map([
      ['node', node],
      ['domain', 'a.test'],
      ['seconds', '1'],
    ]),
  }
  const code = await sample('yard.yaml', given, {
    ...{ env: { SWITCHYARD_TOKEN: 'token' }, hostname: 'box', readFile: () => '' },
    stdout: (text) => {
      said.out += text
    },
    stderr: (text) => {
      said.err += text
    },
  })
  return { code, ...said }
}

/** A node that answers every question with this. */
async function answering(t: TestContext, body: object): Promise<string> {
  const server = createServer((_request, response) => response.end(JSON.stringify(body)))
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return `http://127.0.0.1:${address.port}`
}

test('a node that is no URL of HTTP is a usage error that says so', async () => {
  for (const node of ['ftp://x', 'localhost:9090', 'yard']) {
    await assert.rejects(run(node), (error: unknown) => {
      assert.ok(error instanceof SwitchyardError)
      assert.deepEqual(
        [error.exitCode, error.message],
        [exitCodes.usage, `--node must be an http:// or https:// URL, not "${node}"`],
      )
      return true
    })
  }
})

test('what was seen is counted in words, and nothing is said as such', async (t) => {
  const kept = { nodes: ['yard'], silent: [], stanzas: 3, kept: 2 }
  assert.equal((await run(await answering(t, kept))).err, 'switchyard: 3 stanzas, 2 of them kept, at yard\n')
  const none = await run(await answering(t, { ...kept, stanzas: 0, kept: 0 }))
  assert.deepEqual([none.code, none.err], [0, 'switchyard: no stanza was seen in 1 s, at yard\n'])
})
