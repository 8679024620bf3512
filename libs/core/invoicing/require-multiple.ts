import { CodedError } from '../coded-error.ts';
import { currencyOf } from '../money/index.ts';
import type { Decimal } from '../money/index.ts';

/** An amount that can be asked for in the currency as it is: a multiple of its billing increment. @throws CodedError NOT_A_MULTIPLE | UNKNOWN_CURRENCY */
export function requireMultiple(amount: Decimal, currency: string, path: string): Decimal {
  const { billingIncrement } = currencyOf(currency);
  if (amount.roundedToIncrement(billingIncrement).equals(amount)) return amount;
  throw new CodedError('NOT_A_MULTIPLE', `An amount in ${currency} is a multiple of ${billingIncrement.toString()}.`, path);
}
