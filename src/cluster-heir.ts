import type { Table } from './cluster/table.ts'
import type { ClusterEstates } from './cluster-estates.ts'
import type { Routes } from './routes.ts'
import type { Shares } from './shares.ts'

export interface ClusterHeirParts {
  readonly routes: Routes
  readonly shares: Pick<Shares, 'inheriting'>
  readonly estates: Pick<ClusterEstates, 'follow' | 'isAwaited'>
}

/** What it means for a node that it is the heir of dead ones, or has one itself. */
export class ClusterHeir {
  readonly #parts: ClusterHeirParts

  constructor(parts: ClusterHeirParts) {
    this.#parts = parts
  }

  /** Sees to what dead nodes have left, as the nodes have agreed. */
  follow(table: Table): void {
    this.#parts.estates.follow(table)
    this.markTime()
  }

  /** What is read here waits while what dead nodes had read is handed out: it is newer. */
  markTime(isAwaited = this.#parts.estates.isAwaited): void {
    const { routes, shares } = this.#parts
    for (const domain of routes.domains.values()) {
      const { moving, policy } = domain
      const isInheriting = isAwaited && (policy.kind === 'buckets' || policy.kind === 'rendezvous')
      if (moving.isInheriting === isInheriting) continue
      shares.inheriting(domain, isInheriting)
    }
  }
}
