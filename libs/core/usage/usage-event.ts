import type { Decimal } from '../money/index.ts';
import type { Instant } from '../time/index.ts';
import type { TokenPools, UsageDimensions } from './usage-record.ts';

/** What an event says that a record of usage keeps apart; its cost is not known yet. */
export type EventDimensions = Omit<UsageDimensions, 'costState' | 'costCurrency'>;

export interface ReportedCost {
  readonly amount: Decimal;
  /** ISO 4217. */
  readonly currency: string;
}

/** A single event as it was accepted: validated and normalised, so that equal contents have equal fields (SEMANTICS 3.1). */
export interface UsageEvent extends EventDimensions {
  /** The sender's idempotency key. */
  readonly key: string;
  /** The tenant's own key of the customer. */
  readonly customer: string;
  readonly at: Instant;
  /** All zero where the event has no tokens. */
  readonly tokens: TokenPools;
  /** Whether the event named any token count, be it 0. */
  readonly hasTokens: boolean;
  /** Zero where absent, as are gpuSeconds. */
  readonly quantity: Decimal;
  readonly gpuSeconds: Decimal;
  readonly reportedCost: ReportedCost | null;
  readonly user: string | null;
  readonly durationMs: number | null;
  readonly traceId: string | null;
  readonly properties: Readonly<Record<string, unknown>> | null;
}
