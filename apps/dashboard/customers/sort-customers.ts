import { compare, isNegative } from '../amounts/exact.ts';
import type { CustomerRow } from './customers-query.ts';

export const CUSTOMER_SORTS = ['worst', 'best', 'revenue', 'cost', 'rate', 'name'] as const;
export type CustomerSort = (typeof CUSTOMER_SORTS)[number];

type Order = (a: CustomerRow, b: CustomerRow) => number;

const byName: Order = (a, b) => a.label.localeCompare(b.label);
const falling =
  (of: (row: CustomerRow) => string | null): Order =>
  (a, b) =>
    unknownLast(of(a), of(b)) ?? compare(of(b) ?? '0', of(a) ?? '0');
const rising =
  (of: (row: CustomerRow) => string | null): Order =>
  (a, b) =>
    unknownLast(of(a), of(b)) ?? compare(of(a) ?? '0', of(b) ?? '0');

function unknownLast(a: string | null, b: string | null): number | null {
  return a !== null && b !== null ? null : Number(a === null) - Number(b === null);
}

/** Losses first, the worst ahead; then margins that nobody knows, which may be losses; then what was earned. */
const worst: Order = (a, b) => rank(a) - rank(b) || compare(a.margin ?? '0', b.margin ?? '0');
const rank = ({ margin }: CustomerRow): number => (margin === null ? 1 : isNegative(margin) ? 0 : 2);

const ORDERS: Readonly<Record<CustomerSort, Order>> = {
  worst,
  best: falling((row) => row.margin),
  revenue: falling((row) => row.revenue),
  cost: falling((row) => row.cost),
  rate: rising((row) => row.marginRate),
  name: byName,
};

export function sortCustomers(rows: readonly CustomerRow[], sort: CustomerSort): CustomerRow[] {
  return [...rows].sort((a, b) => ORDERS[sort](a, b) || byName(a, b));
}
