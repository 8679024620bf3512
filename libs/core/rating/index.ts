export * from './burn-demand.ts';
export * from './carried-allowance.ts';
export * from './counts-read.ts';
export * from './exchange-rate.ts';
export * from './rate-period-usage.ts';
export * from './prices-read-events.ts';
export * from './rated-price.ts';
export * from './review-against-cost.ts';
