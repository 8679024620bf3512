export * from './price.ts';
export * from './price-charge.ts';
