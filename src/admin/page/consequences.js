// What becomes of a share when its instance goes, in words. Pure.
import { bytes, count, duration, percent, plural } from './format.js'

/** What a stanza meets that nobody is there for. @param {string} whenUnassigned @param {any} hold */
export function fate(whenUnassigned, hold) {
  if (whenUnassigned === 'bounce') return 'bounced at once'
  const held = `held up to ${duration(hold?.limitSeconds)}, then bounced`
  return whenUnassigned === 'spill' ? `given to the live instances; with none, ${held}` : held
}

/**
 * What ending an instance means for what it gets.
 * @param {any} detail its domain @param {readonly any[]} instances all of the domain
 * @param {string} name @param {number | undefined} share of the domain's traffic lately, 0 to 1
 */
export function consequence(detail, instances, name, share) {
  const { balancing, buckets, canary, whenUnassigned, hold } = detail
  const others = instances.filter((one) => one.name !== name && one.state !== 'draining')
  const of = share === undefined ? '' : ` (${percent(share)} of the domain’s traffic lately)`
  const meets = fate(whenUnassigned, hold)
  if (others.length === 0)
    return `It is the only instance: all that comes for the domain is then ${meets}, until one connects.`
  const among = `the other ${others.length === 1 ? 'instance' : `${count(others.length)} instances`}`
  if (canary?.instance === name) return `It is the canary: its part${of} goes to ${among}.`
  const own = buckets.find((/** @type {any} */ { holder }) => holder === name)
  if (balancing === null || balancing.type === 'random') return `What it gets${of} goes to ${among}, at random.`
  if (buckets.length === 0) return `Its keys${of} go to ${among}; no other key moves.`
  if (own === undefined) return 'It holds no bucket: no traffic moves. There is a spare less.'
  if (own.heir !== null) return `Bucket ${own.bucket}${of} goes to the spare ${own.heir}.`
  const until = whenUnassigned === 'hold' ? ` At most ${bytes(hold?.limitBytes)} is held.` : ''
  return `There is no spare: bucket ${own.bucket}${of} will have no holder until an instance connects. What is for it is ${meets}.${until}`
}

/** What can be done with a slow instance. @param {any} summary of its domain in the overview */
export function slowAdvice({ buckets, spares, type, instances, instancesElsewhere }) {
  const connected = Object.values(instances).reduce((/** @type {number} */ sum, many) => sum + Number(many), 0)
  const all = connected + instancesElsewhere
  if (buckets > 0 && type !== 'random') {
    return spares > 0
      ? 'Look at that process, or drain it: its bucket then goes to a spare.'
      : 'Look at that process. There is no spare: drained, it would leave a bucket without a holder. Start a spare first.'
  }
  return all > 1
    ? 'Look at that process, or drain it: the other instances get its share.'
    : 'Look at that process. No other instance is there: start one before you drain it.'
}

/** What is known of buckets without a holder: whose they were, and who is not connected. @param {{unassigned?: readonly any[], missing?: readonly string[]}} summary */
export function whose({ unassigned = [], missing = [] }) {
  const had = unassigned.filter((/** @type {any} */ { last }) => last !== null)
  const names = had.map(({ bucket, last }) => (unassigned.length === 1 ? last : `${last} (${bucket})`))
  const isGone = had.length > 0 && had.every(({ last }) => missing.includes(last))
  const verb = had.length === 1 ? 'is' : 'are'
  const lasts =
    had.length === 0 ? '' : `Last held by ${names.join(', ')}${isGone ? `, which ${verb} not connected` : ''}. `
  const others = missing.filter((name) => !isGone || !had.some(({ last }) => last === name))
  return `${lasts}${others.length === 0 ? '' : `Not connected: ${others.join(', ')}. `}`
}

/** What waits for buckets without a holder, at this node. @param {any} summary */
export function waitsFor({ unassigned = [], bucketsUnassigned, hold }) {
  if (unassigned.length < bucketsUnassigned)
    return `${plural(hold.stanzas, 'stanza')} on hold in this domain, ${bytes(hold.bytes)}`
  const sum = (/** @type {'stanzas' | 'bytes'} */ what) =>
    unassigned.reduce((/** @type {number} */ all, /** @type {any} */ { held }) => all + held[what], 0)
  return `${plural(sum('stanzas'), 'stanza')} on hold, ${bytes(sum('bytes'))}`
}
