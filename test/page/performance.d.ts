// The DOM's `Performance` hides what Node's has and the node itself uses, where both are in sight: as in these tests.
interface Performance {
  readonly eventLoopUtilization: typeof import('node:perf_hooks').performance.eventLoopUtilization
}
