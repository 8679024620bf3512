import type { PriceExample } from '../../libs/core/pricing/price-examples.fixture.ts';

/** Cases that a calculator of one price cannot say: discounts on fees, commitments and minimums of a part of a period. */
export function standsOnAnInvoice({ model, params }: PriceExample): boolean {
  if (model === 'discount') return params.kind !== 'usage';
  return model === 'min_commit' && (params.base?.model === 'flat' || params.prorate !== undefined);
}
