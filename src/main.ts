#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { parseArgs } from 'node:util'
import { check } from './commands/check.ts'
import { run } from './commands/run.ts'
import { asSwitchyardError, exitCodes, SwitchyardError } from './errors.ts'

const version = (): string => {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return String(JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version)
    } catch {}
  }
  return 'unknown'
}

const io = {
  env: process.env,
  hostname: hostname(),
  readFile: (path: string) => readFileSync(path, 'utf8'),
  stdout: (text: string) => void process.stdout.write(text),
  stderr: (text: string) => void process.stderr.write(text),
  version: version(),
  onSignals(reload: () => void, stop: () => void): void {
    let isStopping = false
    const onStop = (): void => {
      if (isStopping) process.exit(exitCodes.done)
      isStopping = true
      stop()
    }
    process.on('SIGHUP', reload)
    process.on('SIGTERM', onStop)
    process.on('SIGINT', onStop)
  },
}
async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: { config: { type: 'string', short: 'c' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  })
  const config = values.config ?? 'switchyard.yaml'
  switch (positionals[0]) {
    case 'check':
      return check(config, io)
    case 'run':
      await run(config, io)
      return exitCodes.done
    default:
      throw new SwitchyardError('usage', `unknown command ${positionals[0]}`)
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (thrown) => {
    const error = asSwitchyardError(thrown)
    io.stderr(`switchyard: ${error.message}\n`)
    process.exit(error.exitCode)
  },
)
