import { Decimal } from '../../money/index.ts';
import { formatInstant } from '../../time/index.ts';
import type { Instant } from '../../time/index.ts';
import type { FlatPrice, PlanTerms, Price, UsagePrice } from '../price.ts';
import { prorated } from '../rate-price.ts';
import type { PlanWarning } from './plan-warning.ts';
import { reviewBounds } from './review-tiers.ts';

/**
 * What will surprise whoever writes a plan or is billed by it, in the order of the fields (what is wrong, `parsePlan` refuses). What depends on what usage
 * costs is added by whoever knows it: billing's plan review.
 */
export function reviewPlan(terms: PlanTerms): PlanWarning[] {
  return [
    ...terms.prices.flatMap((price, index) => reviewPrice(price, terms, `prices[${index}]`)),
    ...reviewCommitment(terms),
    ...reviewCredits(terms),
    ...reviewFeatures(terms),
  ];
}

function reviewPrice(price: Price, terms: PlanTerms, path: string): PlanWarning[] {
  if (price.model === 'FLAT') return [];
  return [
    ...reviewBounds(price, path),
    ...reviewGroups(price, path),
    ...reviewValidity(price, terms, path),
    ...reviewRollover(price, path),
  ];
}

function reviewGroups({ match, groupBy, groups }: UsagePrice, path: string): PlanWarning[] {
  const only = match.find(({ property }) => property === groupBy);
  if (only === undefined) return [];
  return groups.flatMap((group, index) => {
    const never = group.in.filter((value) => !only.in.includes(value));
    if (never.length === 0) return [];
    const message = `The price only matches usage with ${only.property} ${only.in.join(', ')}: ${never.join(', ')} never gets here. Add it to match, or leave it out.`;
    return [{ code: 'GROUP_NOT_REACHABLE' as const, path: `${path}.groups[${index}].in`, message }];
  });
}

/** A price that begins or ends, with no other on its meter that is valid on the far side. */
function reviewValidity(price: UsagePrice, { prices }: PlanTerms, path: string): PlanWarning[] {
  const others = prices.filter((other) => other !== price && other.meter === price.meter);
  const isTaken = (at: Instant): boolean =>
    others.some(({ validFrom, validUntil }) => (validFrom ?? -Infinity) <= at && at < (validUntil ?? Infinity));
  const warn = (field: string, message: string): PlanWarning => ({ code: 'FREE_OUTSIDE_VALIDITY', path: `${path}.${field}`, message });
  const { validFrom, validUntil, meter } = price;
  const before = `Before ${validFrom === null ? '' : formatInstant(validFrom)} no price of this plan rates usage of "${meter}": it is free. Add a price that ends then, if it should not be.`;
  const after = `From ${validUntil === null ? '' : formatInstant(validUntil)} on no price of this plan rates usage of "${meter}": it is free. Add a price that begins then, if it should not be.`;
  return [
    ...(validFrom !== null && !isTaken(validFrom - 1) ? [warn('validFrom', before)] : []),
    ...(validUntil !== null && !isTaken(validUntil) ? [warn('validUntil', after)] : []),
  ];
}

function reviewRollover({ rolloverMaximum }: UsagePrice, path: string): PlanWarning[] {
  if (rolloverMaximum?.isZero() !== true) return [];
  return [
    {
      code: 'ROLLOVER_ZERO',
      path: `${path}.rolloverMaximum`,
      message: 'At most 0 units are carried over, which is none: leave rollover out, or raise it.',
    },
  ];
}

function reviewCommitment(terms: PlanTerms): PlanWarning[] {
  const { minimumCommitment, commitmentIntervals } = terms;
  if (minimumCommitment?.isPositive() !== true) return [];
  const certain = certainAmount(terms).times(Decimal.of(commitmentIntervals));
  if (certain.compare(minimumCommitment) < 0) return [];
  const message = `Fees, minimums and flat fees of the period come to ${certain.toString()} without any usage: the commitment of ${minimumCommitment.toString()} has no effect. Raise it above that.`;
  return [{ code: 'COMMITMENT_WITHOUT_EFFECT', path: 'minimumCommitment', message }];
}

/** What a period of one seat charges without usage, by prices that are always valid. */
function certainAmount({ prices, creditsPerInterval, creditPrice }: PlanTerms): Decimal {
  const always = prices.filter(({ validFrom, validUntil }) => validFrom === null && validUntil === null);
  const credits = creditsPerInterval?.times(creditPrice ?? Decimal.ZERO) ?? Decimal.ZERO;
  return Decimal.sum([...always.map((price) => (price.model === 'FLAT' ? feePerPeriod(price) : leastOf(price))), credits]);
}

function feePerPeriod({ amount, everyIntervals }: FlatPrice): Decimal {
  return everyIntervals === 1 ? amount : prorated(amount, { numerator: 1n, denominator: BigInt(everyIntervals) });
}

function leastOf(price: UsagePrice): Decimal {
  return Decimal.sum(
    [price, ...price.groups].map((amounts) => {
      const fee = 'tiers' in amounts ? (amounts.tiers[0]?.flatFee ?? Decimal.ZERO) : Decimal.ZERO;
      const least = Decimal.max(fee, amounts.minimumAmount ?? Decimal.ZERO);
      return amounts.maximumAmount === null ? least : Decimal.min(least, amounts.maximumAmount);
    }),
  );
}

function reviewCredits(terms: PlanTerms): PlanWarning[] {
  const { kind, creditsPerInterval, burnRates, creditPrice, overagePricePerCredit, overdraftLimit, creditRolloverMaximum } = terms;
  if (kind !== 'CREDIT') return [];
  const warnings: PlanWarning[] = burnRates.flatMap(({ creditsPerUnit }, index) =>
    creditsPerUnit.isZero()
      ? [
          {
            code: 'BURN_RATE_ZERO',
            path: `burnRates[${index}].creditsPerUnit`,
            message: 'Usage of this meter burns nothing: leave the rate out, or raise it.',
          },
        ]
      : [],
  );
  if (creditsPerInterval?.isPositive() === true && burnRates.length === 0) {
    const message =
      'Credits are granted every period and nothing burns them: add burn rates, unless credits are only debited over the API.';
    warnings.push({ code: 'CREDITS_NOT_BURNT', path: 'burnRates', message });
  }
  if (overagePricePerCredit !== null && creditPrice !== null && overagePricePerCredit.compare(creditPrice) < 0) {
    const message = `A credit over the balance costs ${overagePricePerCredit.toString()}, one of the plan ${creditPrice.toString()}: it pays to run out of credits.`;
    warnings.push({ code: 'OVERAGE_BELOW_CREDIT_PRICE', path: 'overagePricePerCredit', message });
  }
  if (overdraftLimit?.isZero() === true) {
    warnings.push({
      code: 'OVERDRAFT_ZERO',
      path: 'overdraftLimit',
      message: 'An overdraft of 0 credits is none: say creditExhaustion BLOCK, or raise it.',
    });
  }
  if (creditRolloverMaximum?.isZero() === true) {
    const message = 'At most 0 credits are carried over, which is none: leave creditRollover out, or raise it.';
    warnings.push({ code: 'ROLLOVER_ZERO', path: 'creditRolloverMaximum', message });
  }
  return warnings;
}

function reviewFeatures({ features, burnRates, creditExhaustion }: PlanTerms): PlanWarning[] {
  // What comes when credits are used up: the entitlement says no, but under OVERAGE.
  const stopping = creditExhaustion === 'OVERAGE' ? [] : burnRates.map(({ meter }) => meter);
  return features.flatMap(({ key, enabled, meter, limit, onLimit }, index): PlanWarning[] => {
    if (!enabled) return [];
    const path = `features[${index}].limit`;
    if (meter === null && stopping.length > 0) {
      const message = `"${key}" names no meter: it stays allowed when credits are used up. Name the meter of a burn rate, unless it costs no credits.`;
      return [{ code: 'FEATURE_WITHOUT_CREDITS', path: `features[${index}].meter`, message }];
    }
    if (meter !== null && limit === null) {
      if (stopping.includes(meter)) return [];
      const message = `Use of "${key}" is counted by "${meter}" and has no limit: it is never blocked. Add a limit, or leave the meter out.`;
      return [{ code: 'FEATURE_WITHOUT_LIMIT', path, message }];
    }
    if (limit?.isZero() !== true || onLimit !== 'BLOCK') return [];
    return [{ code: 'FEATURE_ALWAYS_BLOCKED', path, message: `"${key}" may be used 0 times: say enabled: false, or raise the limit.` }];
  });
}
