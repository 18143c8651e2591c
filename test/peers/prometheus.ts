import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from './ports.ts'
import { startServer } from './server.ts'

/** Between two looks, and longer than anything takes: it ends a test that hangs, and measures nothing. */
const LOOK_MILLISECONDS = 100
const PATIENCE_MILLISECONDS = 60_000

export interface Alert {
  readonly name: string
  readonly state: 'pending' | 'firing'
  readonly labels: Readonly<Record<string, string>>
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface PrometheusOptions {
  /** By the job's name, the targets: `127.0.0.1:9090`. */
  readonly jobs: Readonly<Record<string, readonly string[]>>
  /** A file of rules, as text. */
  readonly rules: string
  /** Of a scrape, and of the evaluation of a rule. */
  readonly intervalMilliseconds: number
  /** For how long a series without a new sample keeps its last. */
  readonly lookbackMilliseconds: number
}

/** A real Prometheus with its HTTP API. */
export class Prometheus {
  readonly #url: string
  readonly stop: () => Promise<void>

  private constructor(port: number, stop: () => Promise<void>) {
    this.#url = `http://127.0.0.1:${port}`
    this.stop = stop
  }

  static async start({
    jobs,
    rules,
    intervalMilliseconds,
    lookbackMilliseconds,
  }: PrometheusOptions): Promise<Prometheus> {
    const port = await freePort()
    const interval = `${intervalMilliseconds}ms`
    const config = {
      global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
      rule_files: ['rules.yml'],
      scrape_configs: Object.entries(jobs).map(([name, targets]) => ({
        job_name: name,
        static_configs: [{ targets }],
      })),
    }
    const server = await startServer({
      name: 'prometheus',
      user: 'prometheus',
      debianPackage: 'prometheus',
      needs: ['/usr/bin/prometheus'],
      // JSON is YAML.
      files: () => ({ 'prometheus.yml': JSON.stringify(config), 'rules.yml': rules, 'data/.keep': '' }),
      process: (folder) => ({
        command: '/usr/bin/prometheus',
        args: [
          `--config.file=${folder}/prometheus.yml`,
          `--storage.tsdb.path=${folder}/data`,
          `--web.listen-address=127.0.0.1:${port}`,
          `--query.lookback-delta=${lookbackMilliseconds}ms`,
        ],
        readyWhen: [/Server is ready to receive web requests/],
      }),
    })
    return new Prometheus(port, server.stop)
  }

  async alerts(): Promise<readonly Alert[]> {
    const { alerts } = (await this.#ask('alerts')) as {
      readonly alerts: readonly { readonly labels: Record<string, string>; readonly state: Alert['state'] }[]
    }
    return alerts.map(({ labels, state }) => ({ name: labels.alertname ?? '', state, labels }))
  }

  /** What went wrong with each rule when it was last evaluated; undefined while one never was. */
  async ruleErrors(): Promise<readonly string[] | undefined> {
    const { groups } = (await this.#ask('rules')) as {
      readonly groups: readonly {
        readonly rules: readonly { readonly health: string; readonly name: string; readonly lastError?: string }[]
      }[]
    }
    const rules = groups.flatMap((group) => group.rules)
    if (rules.length === 0 || rules.some(({ health }) => health === 'unknown')) return undefined
    return rules.filter(({ health }) => health !== 'ok').map(({ name, lastError }) => `${name}: ${lastError}`)
  }

  /** The value of an expression now. */
  async query(expression: string): Promise<readonly Sample[]> {
    const { result } = (await this.#ask(`query?query=${encodeURIComponent(expression)}`)) as {
      readonly result: readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[]
    }
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
  }

  /** Resolves when it holds; rejects, saying what `found` was last, when it has not for too long. */
  async until<T>(what: string, look: () => Promise<T>, holds: (found: T) => boolean): Promise<T> {
    const deadline = performance.now() + PATIENCE_MILLISECONDS
    for (;;) {
      const found = await look()
      if (holds(found)) return found
      if (performance.now() > deadline) throw new Error(`never: ${what}; last: ${JSON.stringify(found)}`)
      await wait(LOOK_MILLISECONDS)
    }
  }

  async #ask(path: string): Promise<unknown> {
    const answer = await fetch(`${this.#url}/api/v1/${path}`, { headers: { connection: 'close' } })
    const body = (await answer.json()) as { readonly data?: unknown; readonly error?: string }
    if (!answer.ok) throw new Error(`${decodeURIComponent(path)}: ${answer.status} ${body.error}`)
    return body.data
  }
}
