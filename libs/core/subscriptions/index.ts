export * from './segment.ts';
export * from './service-period.ts';
