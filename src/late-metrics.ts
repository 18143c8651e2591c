import type { Metrics, MetricsSource } from './metrics.ts'

/** The metrics of one node, made when somebody may ask for them: loading what publishes them takes 25 ms and 3 MB. */
export class LateMetrics {
  readonly #source: MetricsSource
  #metrics: Promise<Metrics> | undefined

  constructor(source: MetricsSource) {
    this.#source = source
  }

  /** From here on they are there, Node's own too, which count from when they were made. */
  async make(): Promise<void> {
    await this.#made()
  }

  /** As `Metrics.text`. */
  async text(): Promise<string> {
    return (await this.#made()).text()
  }

  #made(): Promise<Metrics> {
    this.#metrics ??= import('./metrics.ts').then(({ Metrics }) => new Metrics(this.#source))
    return this.#metrics
  }
}
