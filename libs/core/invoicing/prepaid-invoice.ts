import { Decimal, currencyOf, roundToBilling } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import { invoiceTotals } from './assemble-invoice.ts';
import type { AssembledInvoice, AssembledLine } from './assembled-invoice.ts';
import { checkInvoice } from './check-invoice.ts';
import type { InvoiceTax } from './invoice-tax.ts';

/** Stands where lines of a subscription name their segment, subscription and plan: credits that are bought belong to none. */
export const NO_SEGMENT = '00000000-0000-0000-0000-000000000000';

/** Credits that a customer buys apart from a plan. */
export interface PurchaseFacts {
  /** Names the purchase. */
  readonly id: string;
  readonly credits: Decimal;
  /** Of all of them, without tax. */
  readonly price: { readonly amount: Decimal; readonly currency: string };
  readonly at: Instant;
  readonly tax: InvoiceTax;
  /** As in InvoiceFacts. */
  readonly customerBalance: Decimal;
}

/** The PREPAID invoice of a purchase: one line. Its credits come when it is paid, so it grants none by itself (SEMANTICS 7.6). @throws CodedError UNKNOWN_CURRENCY */
export function assemblePurchase({ id, credits, price, at, tax, customerBalance }: PurchaseFacts): AssembledInvoice {
  const { currency, amount: exactAmount } = price;
  const amount = roundToBilling(exactAmount, currency);
  const line: AssembledLine = {
    ...{ scopeKey: `CREDITS:${id}`, kind: 'CREDITS', priceKey: null, group: null, description: 'Credits' },
    ...{ quantity: credits, exactAmount, amount, lineDiscount: Decimal.ZERO, discount: Decimal.ZERO, discounts: [] },
    ...{ period: { start: at, end: at }, segmentId: NO_SEGMENT, subscriptionId: NO_SEGMENT, planVersionId: NO_SEGMENT },
    walk: [{ description: 'credits bought', quantity: credits, unitPrice: null, amount: exactAmount }],
    rounding: { exactAmount, increment: currencyOf(currency).billingIncrement, rounded: amount, alreadyBilled: Decimal.ZERO },
    ...{ adjusts: null, adjustsKind: null, credits },
  };
  return checkInvoice({
    currency,
    lines: [line],
    ...invoiceTotals([line], { currency, tax, untaxedBurns: Decimal.ZERO, prepaidAmount: Decimal.ZERO, customerBalance }),
    ...{ grants: [], discountUses: [], awaitingCost: [], leakage: [], allowances: [] },
  });
}
