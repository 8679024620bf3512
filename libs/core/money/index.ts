export * from './decimal.ts';
export * from './precision.ts';
export * from './currency.ts';
export * from './split-amount.ts';
