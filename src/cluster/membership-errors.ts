import type { NodeRecord } from './records.ts'

/** A node cannot join under its name. */
export class NameTaken extends Error {
  override name = 'NameTaken'

  constructor({ name, version, since }: NodeRecord) {
    const started = new Date(since).toISOString()
    super(
      `a node named ${name} is in the cluster already (version ${version}, started ${started}): each needs a name of its own`,
    )
  }
}

/** A node cannot join one that is of another time. */
export class UnlikeForm extends Error {
  override name = 'UnlikeForm'

  constructor(ours: number, { name, version, form }: NodeRecord) {
    super(
      `node ${name} (version ${version}) knows form ${form} of the cluster's table, and this node form ${ours}: ` +
        'versions that are more than one form apart cannot be in one cluster',
    )
  }
}

/** A membership is over, and what was asked of it does not happen. */
export class MembershipEnded extends Error {
  override name = 'MembershipEnded'

  constructor(why: string) {
    super(`this node is not in the cluster any more: ${why}`)
  }
}
