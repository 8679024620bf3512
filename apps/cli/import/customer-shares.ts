import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** Gives rows that name no customer one, so that each customer gets its share: modelled tenancy. */
export interface CustomerShares {
  customerOf(contentHash: string, row: number): string;
  readonly customers: number;
}

/** Draws come from 48 bits of a hash of the row: the same row always goes to the same customer. */
const DRAW_RANGE = 2 ** 48;

/** Reads `customer,share` lines (a header is allowed); shares are weights and need not add up to 1. */
export function readCustomerShares(file: string): CustomerShares {
  const rows = readFileSync(file, 'utf8')
    .split(/\r?\n/)
    .map((line) => line.split(','))
    .filter(([customer, share]) => customer && share && Number.isFinite(Number(share)) && Number(share) > 0);
  return customerShares(rows.map(([customer, share]) => ({ customer: customer ?? '', share: Number(share) })));
}

export function customerShares(shares: readonly { readonly customer: string; readonly share: number }[]): CustomerShares {
  if (shares.length === 0) throw new Error('the file of customer shares has no line "customer,share" with a share above 0');
  const total = shares.reduce((sum, { share }) => sum + share, 0);
  let running = 0;
  const bounds = shares.map(({ customer, share }) => ({ customer, upTo: ((running += share) / total) * DRAW_RANGE }));
  const last = bounds[bounds.length - 1]?.customer ?? '';
  return {
    customers: shares.length,
    customerOf(contentHash, row) {
      const draw = createHash('sha256').update(`${contentHash}:${row}`).digest().readUIntBE(0, 6);
      return bounds.find(({ upTo }) => draw < upTo)?.customer ?? last;
    },
  };
}
