import type { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';

/** One unit of `from` is worth `rate` units of `to`, from `validFrom` until the next rate of the pair. */
export interface ExchangeRate {
  readonly from: string;
  readonly to: string;
  readonly rate: Decimal;
  readonly validFrom: Instant;
}
