import { balanceFactors } from '../balancing/terms.ts'
import { group, integer, jid, map, name, percent, seconds } from './kinds.ts'
import { Type } from './type.ts'

/** The keys of a domain that set its instances apart; `terms.ts` checks what they have to do with each other. */
export const terms = {
  canary: Type.Optional(
    group(
      {
        instance: name({ description: 'One of the named instances.' }),
        percent: percent(0, {
          description: 'How many of all keys it gets; raising it moves keys to the canary, and none between others.',
        }),
      },
      { description: 'A named instance that gets these keys and no others, as long as another lives.' },
    ),
  ),
  slow_start_seconds: Type.Optional(
    seconds(0, 3600, {
      description:
        'With `random`, or no balancing: how long an instance that joins takes from a tenth of its share to all.',
    }),
  ),
  balance_factor: Type.Optional(
    integer(balanceFactors.least, balanceFactors.most, {
      description:
        'How many percent of a fair share an instance may have, by rendezvous, as `hot_keys` says the load is.',
    }),
  ),
  hot_keys: Type.Optional(
    map(
      jid({ description: 'The key, as the criterion makes it.' }),
      percent(0.001, {
        description: 'Its share of the domain’s traffic, in percent.',
      }),
      {
        description: 'Keys that are known to be heavy, as `switchyard simulate` finds them; with `balance_factor`.',
      },
    ),
  ),
}
