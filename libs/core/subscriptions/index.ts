export * from './segment.ts';
export * from './price-period.ts';
export * from './service-period.ts';
export * from './classify-change.ts';
export * from './unused-share.ts';
export * from './subscription-for.ts';
export * from './discount-span.ts';
