export * from './assembled-invoice.ts';
export * from './invoice-facts.ts';
export * from './assemble-invoice.ts';
export * from './billed-facts.ts';
export * from './check-invoice.ts';
export * from './credit-note.ts';
export * from './invoice-tax.ts';
export * from './require-multiple.ts';
