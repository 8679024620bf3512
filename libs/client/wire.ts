/** An exact decimal on the wire: a string ("0.0000025"). Numbers are accepted by the API only where they are exact. */
export type DecimalText = string;

/** Token counts after the OpenTelemetry GenAI convention: `input` and `output` are inclusive totals, the others are parts of them. */
export interface Tokens {
  readonly input?: DecimalText | number;
  readonly output?: DecimalText | number;
  readonly cacheRead?: DecimalText | number;
  readonly cacheWrite5m?: DecimalText | number;
  readonly cacheWrite1h?: DecimalText | number;
  readonly reasoning?: DecimalText | number;
  readonly inputAudio?: DecimalText | number;
  readonly outputAudio?: DecimalText | number;
}

/** A usage event as `POST /v1/events` takes it (UsageEventInput of the GraphQL schema). */
export interface UsageEvent {
  /** Idempotency key, at most 255 characters: the same key is counted once. */
  readonly key: string;
  /** Your own key of the customer. */
  readonly customer: string;
  readonly type: string;
  /** RFC 3339. */
  readonly at: string;
  readonly provider?: string;
  readonly model?: string;
  readonly serviceTier?: string;
  readonly region?: string;
  readonly tokens?: Tokens;
  /** The usage object of the provider's answer, as it came, instead of `tokens` (Gemini: usageMetadata). */
  readonly usage?: object;
  readonly quantity?: DecimalText | number;
  readonly gpuSeconds?: DecimalText | number;
  readonly pool?: string;
  readonly reportedCost?: { readonly amount: DecimalText; readonly currency: string };
  readonly subscription?: string;
  readonly user?: string;
  readonly outcome?: 'SUCCEEDED' | 'FAILED';
  readonly durationMs?: number;
  readonly feature?: string;
  readonly traceId?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface RejectedEvent {
  /** Position in the batch that was sent. */
  readonly index: number;
  readonly key: string | null;
  readonly code: string;
  readonly message: string;
}

export interface IngestResult {
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejected: readonly RejectedEvent[];
}
