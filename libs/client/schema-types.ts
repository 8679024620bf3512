// Made by tools/build-client-types.mjs from apps/api/schema.graphql: do not edit.

/** An exact decimal: a string ("0.0000025"). The API takes a number only where it is exact. */
export type Decimal = string | number;

/** An object of JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether what the event stands for worked. */
export type EventOutcome = 'FAILED' | 'SUCCEEDED';

/** What became of a batch. Everything accepted is committed. */
export interface IngestResult {
  /** Events that are new. */
  readonly accepted: number;
  /** Events that were there already, with the same contents. */
  readonly duplicates: number;
  readonly rejected: readonly RejectedEvent[];
}

/** An amount of money. */
export interface MoneyInput {
  /** In major units: "12.34". */
  readonly amount: Decimal;
  /** ISO 4217. */
  readonly currency: string;
}

/** An event that was not taken. The others of its batch were. */
export interface RejectedEvent {
  /** Stable: for example KEY_REUSED, AT_TOO_OLD, TOKEN_PARTS_EXCEED_TOTAL. */
  readonly code: string;
  /** Position in the batch, from 0. */
  readonly index: number;
  readonly key: string | null;
  /** Names the field and says what to do. */
  readonly message: string;
}

/** Counts of tokens by the OpenTelemetry GenAI convention: input and output are inclusive totals, the others are parts of them. */
export interface TokensInput {
  /** Part of input. At most 12 decimals and 30 digits. */
  readonly cacheRead?: Decimal;
  /** Part of input. At most 12 decimals and 30 digits. */
  readonly cacheWrite1h?: Decimal;
  /** Part of input. At most 12 decimals and 30 digits. */
  readonly cacheWrite5m?: Decimal;
  /** All tokens that went in, cached ones and audio included. */
  readonly input?: Decimal;
  /** Part of input. At most 12 decimals and 30 digits. */
  readonly inputAudio?: Decimal;
  /** All tokens that came out, reasoning and audio included. */
  readonly output?: Decimal;
  /** Part of output. At most 12 decimals and 30 digits. */
  readonly outputAudio?: Decimal;
  /** Part of output. At most 12 decimals and 30 digits. */
  readonly reasoning?: Decimal;
}

/** Something that was used once. Texts have at most 255 characters. */
export interface UsageEventInput {
  /** When it happened: decides the period, the price and the cost rate. */
  readonly at: string;
  /** The tenant's own key of the customer; it may be created later. */
  readonly customer: string;
  readonly durationMs?: number;
  readonly feature?: string;
  /** Busy GPU-seconds. */
  readonly gpuSeconds?: Decimal;
  /** Idempotency key: the same key with the same contents is counted once. */
  readonly key: string;
  readonly model?: string;
  /** SUCCEEDED where it is left out. */
  readonly outcome?: EventOutcome;
  /** Key of the self-hosted capacity pool that served it. */
  readonly pool?: string;
  /** An object of anything else, at most 16,384 characters as JSON. */
  readonly properties?: JsonObject;
  readonly provider?: string;
  /** What is not tokens: images, seconds, outcomes. */
  readonly quantity?: Decimal;
  readonly region?: string;
  /** What it cost, where the provider said so: comes before every rate. */
  readonly reportedCost?: MoneyInput;
  /** For example standard, batch, flex or priority. */
  readonly serviceTier?: string;
  /** Which of the subscriptions of the customer it is for. It counts where that one is in force at `at`; else it is as if none was named. */
  readonly subscription?: string;
  readonly tokens?: TokensInput;
  /** Joins the events of one piece of work. */
  readonly traceId?: string;
  /** For example llm.completion or ticket.resolved. */
  readonly type: string;
  /** The usage object of the provider's answer, as it came, instead of tokens: OpenAI, Anthropic, Gemini (usageMetadata), Bedrock, Vercel AI SDK. */
  readonly usage?: JsonObject;
  /** The end user inside the customer. */
  readonly user?: string;
}
