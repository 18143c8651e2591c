import { writeFileSync } from 'node:fs'
import { runSoak } from './campaign.ts'
import { readOptions, type SoakRequest, usage } from './options.ts'
import { soakReport } from './report.ts'
import { faultsOf } from './verdict.ts'

/** `npm run soak`: see `usage`, which `--help` prints. */
process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  let request: SoakRequest | undefined
  try {
    request = readOptions(argv, () => Math.floor(Math.random() * 1e6))
  } catch (error) {
    console.error(`soak: ${error instanceof Error ? error.message : error}; --help says what there is`)
    return 2
  }
  if (request === undefined) {
    console.log(usage)
    return 0
  }
  const { options, report } = request
  const ended = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ended.abort())
  console.error(`soak: ${(options.seconds / 60).toFixed(1)} minutes, ${options.nodes} node(s), seed ${options.seed}`)
  const result = await runSoak({ ...options, signal: ended.signal, say: (line) => console.error(`soak: ${line}`) })
  const text = soakReport(result)
  if (report !== undefined) {
    writeFileSync(report, `${JSON.stringify(result, null, 1)}\n`)
    writeFileSync(`${report}.md`, text)
  }
  console.log(text)
  return faultsOf(result).length === 0 ? 0 : 1
}
