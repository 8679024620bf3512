export * from './instant.ts';
export * from './period.ts';
export * from './time-zone.ts';
export * from './local-day.ts';
export * from './billing-calendar.ts';
export * from './time-windows.ts';
