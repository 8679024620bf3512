import type { MoneyInput, TokensInput, UsageEventInput } from './schema-types.ts';

export type { EventOutcome, IngestResult, JsonObject, RejectedEvent } from './schema-types.ts';

/** An exact decimal on the wire: a string ("0.0000025"). Numbers are accepted by the API only where they are exact. */
export type DecimalText = string;

/** Token counts after the OpenTelemetry GenAI convention: `input` and `output` are inclusive totals, the others are parts of them. */
export type Tokens = TokensInput;

export type Money = MoneyInput;

/** A usage event as `POST /v1/events` takes it (UsageEventInput of the GraphQL schema). */
export type UsageEvent = UsageEventInput;

/** What may be said once for many events. */
export type UsageAttributes = Partial<Omit<UsageEvent, 'key'>>;

/** An event as it is recorded: key and time are made where they are left out, the rest may come from `with`. */
export type RecordedEvent = Partial<Omit<UsageEvent, 'at'>> & {
  /** RFC 3339, or a Date. Now where it is left out. */
  readonly at?: string | Date;
};
