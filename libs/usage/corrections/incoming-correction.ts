import type { IncomingEvent } from '../ingest/incoming-event.ts';

/** Who corrects, and why. */
export interface CorrectionAuthor {
  /** Id of the API key, or the name of the process. */
  readonly actor: string;
  readonly reason: string | null;
}

/** A correction that passed validation and waits to be written. */
export interface IncomingCorrection {
  readonly tenantId: string;
  /** Of the key, as in IncomingEvent. */
  readonly identity: string;
  /** What takes the event's place; null: nothing, it is voided. */
  readonly replacement: IncomingEvent | null;
  readonly author: CorrectionAuthor;
}

export type CorrectionOutcome = 'ACCEPTED' | 'DUPLICATE' | 'KEY_UNKNOWN' | 'EVENT_VOIDED' | 'EVENT_NOT_KEPT';
