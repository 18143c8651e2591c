import type { ClusterStore } from './cluster-store.ts'

/** A store that is somebody's to use until it is given back, even if this node has left the cluster by then. */
export interface Loan {
  readonly store: ClusterStore
  giveBack(): void
}

/** Lends the store of one life in a cluster: it is closed when that is over, and everybody has given it back. */
export class StoreLoans {
  readonly #store: ClusterStore
  readonly #loans = new Set<Loan>()
  #isOver = false

  constructor(store: ClusterStore) {
    this.#store = store
  }

  /** Undefined when the life is over. */
  lend(): Loan | undefined {
    if (this.#isOver) return undefined
    const loan: Loan = {
      store: this.#store,
      giveBack: () => {
        if (this.#loans.delete(loan)) this.#closeUnlessLent()
      },
    }
    this.#loans.add(loan)
    return loan
  }

  /** The life is over. */
  end(): void {
    this.#isOver = true
    this.#closeUnlessLent()
  }

  #closeUnlessLent(): void {
    if (this.#isOver && this.#loans.size === 0) this.#store.close()
  }
}
