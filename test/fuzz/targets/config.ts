import assert from 'node:assert/strict'
import { formatProblem } from '../../../config/problems.ts'
import { load } from '../../config/loading.ts'
import { type Target, words } from '../target.ts'

const files = new Map([['etc/secret', 's3cret\n']])
const options = {
  env: { SECRET: 's3cret', PORT: '5347', NOTHING: '' },
  readFile: (path: string): string => {
    const text = files.get(path)
    if (text === undefined) throw Object.assign(new Error(`no such file: ${path}`), { code: 'ENOENT' })
    return text
  },
}

/** The configuration: loaded, or refused with problems that each have their place in the text and one line of words. */
export function configTarget(): Target {
  return {
    form: 'text',
    mostBytes: 2048,
    tokens: [
      ...[
        'listen:',
        'domains:',
        'secret: ',
        'secrets: ',
        'instances: ',
        'upstream: ',
        'service: xmpp://h:1',
        'links: each',
        '\n',
        '  ',
      ],
      ...[
        'domain_balancing:',
        'component_number: ',
        'type: bare_source',
        'cluster: ',
        'redis: redis://h',
        'admin: ',
        'token: ',
        'limits: ',
      ],
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ': ',
        '- ',
        '|',
        '>',
        '"',
        "'",
        '#',
        '&a ',
        '*a',
        '!!str ',
        '!!binary ',
        '<<: ',
        '? ',
        '---\n',
        '...\n',
        '%YAML 1.1\n',
      ],
      ...[
        'host: ',
        'port: ',
        'tls: ',
        'cert: ',
        'key: ',
        'hold: ',
        'seconds: ',
        'bytes: ',
        '16MiB',
        '512KiB',
        '1e400',
        '.inf',
        '.nan',
        '0x10',
        '0o7',
      ],
      ...[
        '\x24{SECRET}',
        '\x24{NOTHING}',
        '${',
        '$',
        'a.example',
        'null',
        '~',
        'true',
        'yes',
        '\t',
        '\r',
        '\0',
        '\xef\xbb\xbf',
        '\xc2\x85',
        '__proto__',
        'constructor',
      ],
      ...[
        'secret_file: secret',
        'node: ',
        'address: ',
        'log: {level: ',
        'when_unassigned: ',
        'delivery: ',
        'admins: ',
        'drain: ',
        '2026-01-01',
      ],
    ],
    run: (input) => {
      const text = input.toString('utf8')
      const loaded = load(text, options)
      const lines = text.split(/\r\n|\n|\r/)
      if (loaded.config !== undefined) {
        assert.equal(loaded.problems, undefined)
        assert.ok(Object.isFrozen(loaded.config))
        return 'loaded'
      }
      assert.notEqual(loaded.problems.length, 0, 'refused without a word')
      for (const problem of loaded.problems) {
        const { line, col } = problem
        assert.ok(Number.isSafeInteger(line) && line >= 1 && line <= lines.length + 1, formatProblem(problem))
        assert.ok(Number.isSafeInteger(col) && col >= 1 && col <= text.length + 1, formatProblem(problem))
        assert.match(formatProblem(problem), /^etc\/yard\.yaml:\d+:\d+ [^:]+(:.*)?: \S/)
        assert.doesNotMatch(formatProblem(problem), /[\p{Cc}\u2028\u2029]/u, 'what moves the cursor of a terminal')
      }
      return loaded.problems.map(({ message }) => words(message))[0] ?? ''
    },
  }
}
