import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { formatProblem } from '../../config/problems.ts'
import { blocksOf, textOf } from './markdown.ts'

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

interface Container {
  readonly args?: readonly string[]
  readonly env?: readonly {
    readonly name: string
    readonly value?: string
    readonly valueFrom?: { readonly secretKeyRef?: { readonly name: string; readonly key: string } }
  }[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
  readonly lifecycle?: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } }
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[]
}

interface Volume {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly secret?: { readonly secretName: string }
}

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly data?: Readonly<Record<string, string>>
  readonly stringData?: Readonly<Record<string, string>>
  readonly spec?: {
    readonly replicas?: number
    readonly serviceName?: string
    readonly selector?: Readonly<Record<string, unknown>>
    readonly ports?: readonly { readonly port: number; readonly targetPort: string }[]
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[]
    readonly template?: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> }
      readonly spec: {
        readonly terminationGracePeriodSeconds?: number
        readonly containers: readonly Container[]
        readonly volumes?: readonly Volume[]
      }
    }
  }
}

/** The manifests of docs/kubernetes.md, as a reader would apply them. */
const manifests: readonly Manifest[] = blocksOf(textOf('docs/kubernetes.md'))
  .filter(({ mark }) => mark === 'kubernetes')
  .flatMap(({ text }) => parseAllDocuments(text))
  .map((document) => {
    assert.deepEqual([...document.errors, ...document.warnings], [])
    return document.toJS()
  })

function manifest(kind: string, name: string): Manifest {
  const found = manifests.filter((one) => one.kind === kind && one.metadata.name === name)
  assert.equal(found.length, 1, `${kind} ${name}`)
  return found[0]!
}

const podOf = (name: string) => manifest('StatefulSet', name).spec!.template!
const pod = podOf('yard').spec
const [node] = pod.containers as readonly [Container]

/** The configuration of the ConfigMap, with the secrets where the pod has them. */
function config(): Config {
  const text = manifest('ConfigMap', 'yard-config').data!['switchyard.yaml']!
  const env = Object.fromEntries(
    (node.env ?? []).map(({ name, valueFrom }) => [name, secretOf(valueFrom!.secretKeyRef!)]),
  )
  const options = { file: 'switchyard.yaml', env, hostname: 'yard-0', readFile: fileOf }
  const { config: loaded, problems } = loadConfig(text, options)
  assert.deepEqual((problems ?? []).map(formatProblem), [])
  return loaded!
}

function secretOf({ name, key }: { readonly name: string; readonly key: string }): string {
  return manifest('Secret', name).stringData![key] ?? assert.fail(`Secret ${name} has no ${key}`)
}

/** A file in the pod of a node: the entry of the Secret that is mounted there. */
function fileOf(path: string): string {
  const mount = node.volumeMounts!.find(({ mountPath }) => path.startsWith(`${mountPath}/`))
  const volume = pod.volumes!.find(({ name }) => name === mount?.name)
  assert.ok(mount !== undefined && volume?.secret !== undefined, `nothing is mounted at ${path}`)
  return secretOf({ name: volume.secret.secretName, key: path.slice(mount.mountPath.length + 1) })
}

test('the manifests are valid YAML, each of a kind and a name of its own', () => {
  assert.ok(manifests.length >= 10)
  const names = manifests.map(({ apiVersion, kind, metadata }) => `${apiVersion} ${kind} ${metadata.name}`)
  assert.equal(new Set(names).size, names.length)
  for (const name of names) assert.match(name, /^[a-z0-9.]*\/?v1 [A-Z]\w+ [a-z][a-z0-9-]*$/)
})

test("the node's configuration is valid, and a node is called as its pod", () => {
  const { node: name, cluster, admin, listen } = config()
  assert.equal(name, 'yard-0')
  assert.ok(cluster !== undefined)
  const ports = Object.fromEntries(node.ports!.map(({ name: port, containerPort }) => [port, containerPort]))
  assert.deepEqual(ports, { component: listen[0]!.port, admin: admin!.port })
  for (const { host } of [listen[0]!, admin!]) assert.equal(host, '0.0.0.0')
})

test('every pod of the component has a secret of its own, and is the instance of that name', () => {
  const { replicas } = manifest('StatefulSet', 'rooms').spec!
  const pods = Array.from({ length: replicas! }, (_, n) => `rooms-${n}`)
  assert.deepEqual(Object.keys(manifest('Secret', 'rooms-secrets').stringData!), pods)
  const domain = config().domains.get('rooms.example.org')!
  assert.deepEqual([...domain.instances!.keys()], pods)
  assert.equal(domain.balancing?.component_number, replicas)
  const env = Object.fromEntries(podOf('rooms').spec.containers[0]!.env!.map(({ name, value }) => [name, value]))
  assert.equal(env.COMPONENT_HOST, manifest('Service', 'yard').metadata.name)
  assert.equal(env.COMPONENT_PORT, `${manifest('Service', 'yard').spec!.ports![0]!.port}`)
  assert.equal(env.COMPONENT_SECRET_FILE, '/etc/rooms-secrets/$(POD_NAME)')
})

test('the probes ask for routes that there are, readiness for the one that a drain changes', () => {
  const routes = textOf('src/admin/routes.ts')
  const { startupProbe, readinessProbe, livenessProbe } = node
  assert.deepEqual(
    [startupProbe, readinessProbe, livenessProbe].map((probe) => probe?.httpGet.path),
    ['/healthz', '/readyz', '/healthz'],
  )
  for (const path of ['/healthz', '/readyz']) assert.ok(routes.includes(`'${path}'`), path)
})

test('a pod that is stopped has time to drain before it is killed', () => {
  const [command, seconds] = node.lifecycle!.preStop.exec.command
  assert.equal(command, 'sleep')
  const drain = config().drain.seconds
  assert.ok(pod.terminationGracePeriodSeconds! >= Number(seconds) + drain + 10)
})

test('services and policies select pods that there are, by ports that those have', () => {
  const pods = manifests.flatMap(({ kind, spec }) => (kind === 'StatefulSet' ? [spec!.template!] : []))
  for (const { kind, metadata, spec } of manifests) {
    if (kind === 'StatefulSet') {
      assert.deepEqual(spec!.selector!.matchLabels, spec!.template!.metadata.labels, metadata.name)
      const mounts = spec!.template!.spec.containers.flatMap(({ volumeMounts = [] }) => volumeMounts)
      const volumes = [
        ...(spec!.template!.spec.volumes ?? []),
        ...(spec!.volumeClaimTemplates ?? []).map((v) => v.metadata),
      ]
      assert.deepEqual(
        mounts.map(({ name }) => name),
        volumes.map(({ name }) => name),
        metadata.name,
      )
    }
    if (kind !== 'Service') continue
    const chosen = pods.find(({ metadata: { labels } }) => labels.app === spec!.selector!.app)
    assert.ok(chosen, metadata.name)
    const named = chosen.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name))
    for (const { targetPort } of spec!.ports!) assert.ok(named.includes(targetPort), `${metadata.name}: ${targetPort}`)
  }
})
