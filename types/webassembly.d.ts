/** The part of WebAssembly's JavaScript interface that we use: it is in TypeScript's library for browsers only. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, unknown>>)
    readonly exports: Record<string, unknown>
  }
  interface Memory {
    readonly buffer: ArrayBuffer
    /** `pages` of 64 KiB more. Detaches `buffer`. */
    grow(pages: number): number
  }
  interface Global {
    readonly value: number
  }
  function validate(bytes: Uint8Array): boolean
}
