import type { UsageEvent } from '@tare/core';

/** An event that passed validation and waits to be written. */
export interface IncomingEvent {
  readonly tenantId: string;
  readonly event: UsageEvent;
  /** 16 bytes as hexadecimal digits: what (tenant, key) is known by (docs/decisions/0011). */
  readonly identity: string;
  /** 16 bytes as hexadecimal digits: equal for equal contents. */
  readonly fingerprint: string;
  /** What it takes of memory, about, where it has to wait: characters of its contents. */
  readonly weight?: number;
}

export type IngestOutcome = 'ACCEPTED' | 'DUPLICATE' | 'KEY_REUSED';
