import { type InvoiceTotals } from './objects/invoice.ts';
import { type LineItem, type LineTax } from './objects/line-item.ts';
import { percentOf } from './decimal-amount.ts';

/** The sums of a draft, in minor units. Exclusive tax is added to the total, inclusive tax is already in the lines. */
export function totalsOf(lines: readonly LineItem[]): InvoiceTotals {
  const taxes = lines.flatMap((line) => line.taxes);
  const subtotal = sum(lines.map((line) => line.amount));
  const exclusive = sum(taxes.filter((tax) => tax.tax_behavior === 'exclusive').map((tax) => tax.amount));
  const inclusive = sum(taxes.map((tax) => tax.amount)) - exclusive;
  const total = subtotal + exclusive;
  const due = Math.max(0, total);
  return {
    amount_due: due,
    amount_remaining: due,
    subtotal,
    subtotal_excluding_tax: subtotal - inclusive,
    total,
    total_excluding_tax: subtotal - inclusive,
    total_taxes: taxes,
  };
}

/** Automatic tax, as far as it is emulated: one exclusive rate on every line. */
export function withAutomaticTax(line: LineItem, percent: string, taxRate: string): LineItem {
  const tax: LineTax = {
    amount: percentOf(line.amount, percent),
    tax_behavior: 'exclusive',
    tax_rate_details: { tax_rate: taxRate },
    taxability_reason: 'standard_rated',
    taxable_amount: line.amount,
    type: 'tax_rate_details',
  };
  return { ...line, taxes: [tax] };
}

export function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
