export interface Timers {
  /** Calls back once, after so many milliseconds, unless what it returns is called before. */
  after(milliseconds: number, callback: () => void): () => void
}
