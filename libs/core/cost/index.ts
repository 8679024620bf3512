export * from './cost-rate.ts';
export * from './price-tokens.ts';
export * from './select-rate.ts';
export * from './capacity-pool.ts';
export * from './cost-of-event.ts';
export * from './validate-cost-rate.ts';
export * from './compare-rates.ts';
