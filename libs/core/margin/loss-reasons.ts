import { Decimal } from '../money/index.ts';
import { LOSS_DRIVERS, kindName, money } from './loss-drivers.ts';
import type { CustomerBase, LossDriver } from './loss-drivers.ts';
import type { KindUse, LossProfile } from './loss-profile.ts';
import type { MarginReason } from './margin-row.ts';

/** What a loss is judged against: the averages of all customers, and the median of each driver among those that it applies to. */
export interface LossYardstick {
  readonly base: CustomerBase;
  readonly medians: ReadonlyMap<string, Decimal>;
}

/** Of everybody with usage in the span. The order of profiles does not matter. */
export function lossYardstick(profiles: readonly LossProfile[]): LossYardstick {
  const uses = profiles.flatMap(({ kinds }) => kinds);
  const listed = uses.filter(({ listCost }) => listCost !== null);
  const base = {
    costPerToken: averages(
      uses,
      ({ model }) => model,
      ({ cost }) => cost,
    ),
    listPerToken: averages(listed, kindName, ({ listCost }) => listCost ?? Decimal.ZERO),
  };
  const medians = LOSS_DRIVERS.flatMap(({ code, measure }) => {
    const middle = medianOf(profiles.flatMap((profile) => measure(profile, base) ?? []));
    return middle === null ? [] : [[code, middle] as const];
  });
  return { base, medians: new Map(medians) };
}

/**
 * Why a customer lost money (SEMANTICS 10.6). Each driver is counterfactual: what would be gained if only it stood at the median of the customer base. In
 * the order of LOSS_DRIVERS each explains as much of the loss as the ones before it left over; what none explains stands as UNEXPLAINED. They add up to the
 * loss exactly. `loss`: above zero, in `currency`; no reasons for anything else.
 */
export function lossReasons(profile: LossProfile, loss: Decimal, currency: string, yardstick: LossYardstick): MarginReason[] {
  if (!loss.isPositive()) return [];
  const reasons: MarginReason[] = [];
  let left = loss;
  for (const driver of LOSS_DRIVERS) {
    const reason = reasonOf(driver, profile, left, currency, yardstick);
    if (reason === null) continue;
    reasons.push(reason);
    left = left.minus(reason.amount);
  }
  if (left.isZero()) return reasons;
  const label = `Not explained by anything above: ${money(left, currency)} of a loss of ${money(loss, currency)}.`;
  return [...reasons, { code: 'UNEXPLAINED', label, amount: left }];
}

function reasonOf(
  { code, measure, gain, sentence }: LossDriver,
  profile: LossProfile,
  left: Decimal,
  currency: string,
  { base, medians }: LossYardstick,
): MarginReason | null {
  const own = measure(profile, base);
  const median = medians.get(code);
  if (own === null || median === undefined) return null;
  const gained = gain(profile, { own, median }).roundedTo(12);
  const amount = Decimal.min(gained, left);
  if (!amount.isPositive()) return null;
  return { code, label: `${sentence({ own, median, currency })}; at the median it would be ${money(gained, currency)} better.`, amount };
}

/** The middle one, or the mean of the two in the middle; null of nothing. */
function medianOf(values: readonly Decimal[]): Decimal | null {
  const sorted = [...values].sort((a, b) => a.compare(b));
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  const high = sorted[Math.floor(sorted.length / 2)];
  return low === undefined || high === undefined ? null : low.plus(high).dividedBy(Decimal.of(2), 18);
}

function averages(uses: readonly KindUse[], nameOf: (use: KindUse) => string, amountOf: (use: KindUse) => Decimal): Map<string, Decimal> {
  const sums = new Map<string, { amount: Decimal; tokens: Decimal }>();
  for (const use of uses) {
    const sum = sums.get(nameOf(use)) ?? { amount: Decimal.ZERO, tokens: Decimal.ZERO };
    sums.set(nameOf(use), { amount: sum.amount.plus(amountOf(use)), tokens: sum.tokens.plus(use.tokens) });
  }
  return new Map(
    [...sums].flatMap(([name, { amount, tokens }]) => (tokens.isPositive() ? [[name, amount.dividedBy(tokens, 18)] as const] : [])),
  );
}
