import type { Instant } from '@tare/core';
import type { CorrectionOutcome, IncomingCorrection } from './incoming-correction.ts';

/** What stands under a key: the last event that it named. */
export interface KeptEvent {
  /** Its fingerprint. */
  readonly contents: string;
  readonly customerNo: number;
  readonly at: Instant;
  /** How often the key's event had been amended before: 0 is the first. */
  readonly revision: number;
  readonly isVoided: boolean;
}

/** One event that is cancelled, and what takes its place. */
export interface CorrectionStep {
  readonly correction: IncomingCorrection;
  readonly cancelled: KeptEvent;
  /** Null: nothing, the event is voided. */
  readonly replacement: KeptEvent | null;
}

export interface CorrectionPlan {
  /** What becomes of each correction, in their order. */
  readonly outcomes: readonly CorrectionOutcome[];
  /** In the order of the corrections; several of one key follow each other. */
  readonly steps: readonly CorrectionStep[];
}

export interface CorrectionFacts {
  /** By `keyOf`; keys that name no event are left out. */
  readonly kept: ReadonlyMap<string, KeptEvent>;
  /** Keys, as `keyOf` says them, whose event is not there any more: retention has dropped it. */
  readonly gone: ReadonlySet<string>;
  /** Whether the replacement's contents stood under its key before. */
  readonly isEarlier: (correction: IncomingCorrection) => boolean;
  /** The number of the customer that the replacement names. */
  readonly customerNoOf: (correction: IncomingCorrection) => number;
}

export const keyOf = ({ tenantId, identity }: Pick<IncomingCorrection, 'tenantId' | 'identity'>): string => tenantId + identity;

/**
 * What becomes of corrections that are applied one after the other (SEMANTICS 3.1, 3.5). Cancelling what is cancelled changes nothing, and so does an
 * amendment whose contents the key has or had: a repeated request, however late, neither counts twice nor undoes what came after it. A voided event stays
 * voided.
 */
export function planCorrections(corrections: readonly IncomingCorrection[], facts: CorrectionFacts): CorrectionPlan {
  const current = new Map(facts.kept);
  const replaced = new Set<string>();
  const steps: CorrectionStep[] = [];
  const outcomes = corrections.map((correction): CorrectionOutcome => {
    const key = keyOf(correction);
    const event = current.get(key);
    if (event === undefined) return 'KEY_UNKNOWN';
    const contents = correction.replacement?.fingerprint ?? null;
    const isKnown = contents === event.contents || replaced.has(`${key} ${contents}`) || facts.isEarlier(correction);
    if (contents === null ? event.isVoided : isKnown) return 'DUPLICATE';
    if (event.isVoided) return 'EVENT_VOIDED';
    if (facts.gone.has(key)) return 'EVENT_NOT_KEPT';
    const replacement = replacementOf(correction, event, facts);
    steps.push({ correction, cancelled: event, replacement });
    replaced.add(`${key} ${event.contents}`);
    current.set(key, replacement ?? { ...event, isVoided: true });
    return 'ACCEPTED';
  });
  return { outcomes, steps };
}

function replacementOf(correction: IncomingCorrection, event: KeptEvent, { customerNoOf }: CorrectionFacts): KeptEvent | null {
  if (correction.replacement === null) return null;
  const { fingerprint: contents, event: replacement } = correction.replacement;
  return { contents, customerNo: customerNoOf(correction), at: replacement.at, revision: event.revision + 1, isVoided: false };
}
