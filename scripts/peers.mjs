// The servers, clients and the browser that the tests and the benchmark run: Debian packages, installed where they
// are missing.
import { spawnSync } from 'node:child_process'
import { Failure, run, say } from './steps.mjs'

export const PEERS = [
  ...['prosody', 'ejabberd', 'python3-slixmpp', 'biboumi', 'redis-server', 'libfaketime'],
  ...['haproxy', 'systemd', 'groff', 'zsh', 'fish', 'python3-lxml'],
  ...['prometheus', 'chromium', 'fonts-dejavu-core'],
]
/** `npm run bench` measures what of these is installed; `prepare.mjs bench` installs all. */
export const BENCH_PEERS = ['ejabberd', 'jabberd2', 'prosody', 'haproxy', 'redis-server']

/**
 * As root, with the packages as arguments. Policy 101 keeps what is installed from being started: the tests start each
 * peer themselves, and port 5347 stays free. A policy that is there already is its owner's affair (noclobber).
 */
const INSTALL = `
set -eu
policy=/usr/sbin/policy-rc.d
if (set -C; printf '#!/bin/sh\\nexit 101\\n' >"$policy") 2>/dev/null; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 -- "$@"
`

export function installPeers(peers = PEERS) {
  const missing = missingPackages(peers)
  if (missing.length === 0) return
  const asRoot = privilege(missing)
  say(`installing ${missing.join(' ')} with apt-get (services are not started)`)
  run(asRoot[0], [...asRoot.slice(1), 'sh', '-c', INSTALL, 'sh', ...missing], { name: 'apt-get' })
  const still = missingPackages(peers)
  if (still.length > 0) throw new Failure(`apt-get did not install ${still.join(' ')}`)
}

/** A demo of several nodes needs a Redis. Where it cannot be installed so, the demo says what is missing. */
export function installForDemo(args) {
  if (!args.some((argument) => argument === '--nodes' || argument.startsWith('--nodes='))) return
  if (args.includes('--help') || args.includes('-h')) return
  const isThere = (program) => spawnSync(program, ['--version']).error === undefined
  if (['redis-server', 'valkey-server'].some(isThere) || !isThere('dpkg-query')) return
  installPeers(['redis-server'])
}

function missingPackages(peers) {
  const query = ['-W', '-f', `\${Package} \${db:Status-Status}\n`, ...peers]
  const { error, stdout } = spawnSync('dpkg-query', query, { encoding: 'utf8' })
  if (error) throw new Failure(`${peers.join(', ')} are needed, which can be installed on Debian only`)
  const installed = new Set(stdout.split('\n').filter((line) => line.endsWith(' installed')))
  return peers.filter((name) => !installed.has(`${name} installed`))
}

/** How to become root. */
function privilege(missing) {
  if (process.getuid?.() === 0) return ['env']
  if (spawnSync('sudo', ['-n', 'true']).status === 0) return ['sudo', '-n']
  throw new Failure(
    `the Debian packages ${missing.join(' ')} are needed; neither root nor sudo without a password is at hand. ` +
      `Install them with: sudo apt-get install --no-install-recommends ${missing.join(' ')}`,
  )
}
