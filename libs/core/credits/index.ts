export * from './grant.ts';
export * from './grant-rules.ts';
export * from './usable-credits.ts';
export * from './wallet-book.ts';
export * from './credit-carry.ts';
export * from './burn-credits.ts';
export * from './standing-burns.ts';
export * from './exhaustion.ts';
