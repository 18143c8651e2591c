import { mix } from './hash.ts'

/** One instance that gets a share of the keys, by their hash, and nothing else. */
export interface Canary {
  readonly instance: string
  /** 0 to 100. */
  readonly percent: number
  /** Keys whose point is below it are the canary's; 0 to 2^32. */
  readonly threshold: number
}

/** Apart from what buckets and slots are made of, so that the canary takes as much of each of them. */
const salt = 0x9e3779b9
const points = 0x1_0000_0000

export function canaryOf(instance: string, percent: number): Canary {
  return Object.freeze({ instance, percent, threshold: Math.round((percent * points) / 100) })
}

/** Where a key falls, by its hash: below the canary's threshold, or not. A bijection of 32-bit numbers. */
export function pointOf(hash: number): number {
  return mix(hash ^ salt)
}

/** Where a key falls, in percent. */
export function percentOf(hash: number): number {
  return (pointOf(hash) * 100) / points
}

/** Whether a key is the canary's, when that one lives. What is true for a percentage is so for every greater one. */
export function isCanarys(canary: Canary, hash: number): boolean {
  return pointOf(hash) < canary.threshold
}
