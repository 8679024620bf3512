export * from './grant.ts';
export * from './burn-credits.ts';
export * from './exhaustion.ts';
