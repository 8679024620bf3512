export { TareClient, type TareClientOptions } from './tare-client.ts';
export { TareError } from './tare-error.ts';
export type { DecimalText, IngestResult, RejectedEvent, Tokens, UsageEvent } from './wire.ts';
