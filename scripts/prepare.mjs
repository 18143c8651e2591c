// Makes a checkout ready: `node scripts/prepare.mjs run|demo|build|test|bench`. Runs before node_modules exists, so it imports
// nothing but Node's own. Quiet and quick where nothing is to do.
//   run    dependencies, then dist/
//   demo   as run; with the arguments of a demo of several nodes also redis-server, where there is none
//   build  the same, but dist/ anew in any case
//   test   as run, then the peers that the interop tests talk to
//   bench  as run, then the peers that the benchmark compares with (npm run bench does without those that are missing)

import { build } from './build.mjs'
import { installDependencies } from './dependencies.mjs'
import { BENCH_PEERS, installForDemo, installPeers } from './peers.mjs'
import { Failure, root } from './steps.mjs'

const MODES = {
  run: [installDependencies, build],
  demo: [installDependencies, build, () => installForDemo(process.argv.slice(3))],
  build: [installDependencies, () => build({ force: true })],
  test: [installDependencies, build, installPeers],
  bench: [installDependencies, build, () => installPeers(BENCH_PEERS)],
}

process.chdir(root)
const mode = process.argv[2]
if (!Object.hasOwn(MODES, mode)) {
  console.error(`usage: node scripts/prepare.mjs ${Object.keys(MODES).join('|')}`)
  process.exit(2)
}
try {
  for (const step of MODES[mode]) step()
} catch (error) {
  if (!(error instanceof Failure)) throw error
  console.error(`prepare: ${error.message}`)
  process.exitCode = 1
}
