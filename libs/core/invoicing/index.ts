export * from './assembled-invoice.ts';
export * from './invoice-facts.ts';
export * from './assemble-invoice.ts';
export * from './billed-facts.ts';
export * from './check-invoice.ts';
