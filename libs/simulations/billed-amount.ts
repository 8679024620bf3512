import { CodedError, convertAmount, Decimal, formatInstant } from '@tare/core';
import type { AssembledLine, MarginQuery } from '@tare/core';

export type BilledPart = Pick<AssembledLine, 'amount' | 'discount' | 'period'> & { readonly currency: string };

/**
 * What lines bill for service periods that begin in the span, net of discounts, without tax, in the report's currency at the rate of the period's start.
 * The periods of lines decide, not the dates of invoices (SEMANTICS 8.5). @throws CodedError NO_EXCHANGE_RATE
 */
export function billedFor(lines: readonly BilledPart[], { from, to, currency, exchangeRates }: MarginQuery): Decimal {
  const inSpan = lines.filter(({ period }) => period.start >= from && period.start < to);
  return Decimal.sum(
    inSpan.map((line) => {
      const net = line.amount.minus(line.discount);
      const converted = convertAmount(net, line.currency, currency, line.period.start, exchangeRates);
      if (converted !== null) return converted;
      const since = formatInstant(line.period.start);
      throw new CodedError(
        'NO_EXCHANGE_RATE',
        `What is billed in ${line.currency} for ${since} cannot be stated in ${currency}: set an exchange rate.`,
      );
    }),
  );
}
