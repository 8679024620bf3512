import { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import { isEffective, isLapsing } from './grant-rules.ts';
import type { CreditLapse, Grant } from './grant.ts';

/** What decides how much of a grant can be used. */
export type UsableGrant = Pick<Grant, 'remaining' | 'effectiveAt' | 'expiresAt' | 'subscriptionId'>;

/** Counts down as it is asked, grant after grant. */
interface UsableLimits {
  /** Nothing is limited. */
  readonly isNone: boolean;
  /** `wanted` of a grant, or as much of it as does not lapse. */
  readonly upTo: (grant: UsableGrant, wanted: Decimal) => Decimal;
}

const NO_LIMITS: UsableLimits = { isNone: true, upTo: (_, wanted) => wanted };

/** What can be used at an instant. */
export function availableAt(grants: readonly UsableGrant[], at: Instant, lapses: readonly CreditLapse[] = []): Decimal {
  const limits = usableLimits(grants, at, lapses);
  return Decimal.sum(grants.filter((grant) => isEffective(grant, at)).map((grant) => limits.upTo(grant, grant.remaining)));
}

/** How much of grants whose credits lapse may be used at an instant: what they have left together, less what is gone by then. `lapses`: in order of time. */
export function usableLimits(grants: readonly UsableGrant[], at: Instant, lapses: readonly CreditLapse[]): UsableLimits {
  if (lapses.length === 0) return NO_LIMITS;
  const gone = new Map<string, { readonly last: CreditLapse; readonly credits: Decimal }>();
  for (const lapse of lapses) {
    if (lapse.at > at) continue;
    const before = gone.get(lapse.subscriptionId)?.credits ?? Decimal.ZERO;
    gone.set(lapse.subscriptionId, { last: lapse, credits: before.plus(Decimal.max(Decimal.ZERO, lapse.credits)) });
  }
  if (gone.size === 0) return NO_LIMITS;
  const left = new Map<string, Decimal>();
  for (const [subscriptionId, { last, credits }] of gone) {
    const together = Decimal.sum(grants.filter((grant) => isLapsing(grant, last)).map(({ remaining }) => remaining));
    left.set(subscriptionId, Decimal.max(Decimal.ZERO, together.minus(credits)));
  }
  const upTo = (grant: UsableGrant, wanted: Decimal): Decimal => {
    const subscriptionId = grant.subscriptionId ?? '';
    const own = left.get(subscriptionId);
    const last = gone.get(subscriptionId)?.last;
    if (own === undefined || last === undefined || !isLapsing(grant, last)) return wanted;
    const part = Decimal.min(wanted, own);
    left.set(subscriptionId, own.minus(part));
    return part;
  };
  return { isNone: false, upTo };
}
