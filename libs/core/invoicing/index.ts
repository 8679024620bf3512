export * from './assembled-invoice.ts';
export * from './invoice-facts.ts';
