export * from './assumptions.ts';
export * from './assumed-usage.ts';
export * from './scenario-outcome.ts';
