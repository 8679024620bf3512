import { segmentEnd, type Instant } from '@tare/core';
import { decideEntitlement } from './decide-entitlement.ts';
import type { Entitlement } from './entitlement.ts';
import type { LoadedFacts } from './facts-loader.ts';
import { limitsOf, type Limit } from './limits.ts';

/** Answers that are kept of one customer: a stranger may ask for any name. */
const MOST_ANSWERS = 500;

/** What a customer may do, worked out from facts of one moment: good until one of them changes or `until` is reached. */
export class CustomerView {
  /** Exclusive: then a window ends, a subscription changes or credits begin or end. */
  readonly until: Instant;
  /** Usage is left out: what it comes to is in the limits. */
  readonly facts: LoadedFacts;
  private readonly limits: readonly Limit[];
  private readonly answers = new Map<string, Entitlement>();

  constructor(
    facts: LoadedFacts,
    private readonly at: Instant,
  ) {
    this.facts = { ...facts, records: [] };
    this.limits = limitsOf(facts, at);
    this.until = Math.min(...changesAfter(facts, this.limits, at));
  }

  get customerNo(): number {
    return this.facts.customer.no;
  }

  /** Reading it anew is not cheap. */
  get fromEvents(): boolean {
    return this.facts.fromEvents;
  }

  entitlement(feature: string): Entitlement {
    let answer = this.answers.get(feature);
    if (answer === undefined) {
      answer = decideEntitlement(this.facts, this.limits, feature, this.at);
      if (this.answers.size >= MOST_ANSWERS) this.answers.clear();
      this.answers.set(feature, answer);
    }
    return answer;
  }
}

function changesAfter({ segments, credits }: LoadedFacts, limits: readonly Limit[], at: Instant): Instant[] {
  const edges = segments.flatMap((segment) => [segment.start, segmentEnd(segment) ?? Infinity, segment.trialEnd ?? Infinity]);
  const windows = limits.map(({ window }) => window.end);
  return [...edges, ...windows, credits?.changesAt ?? Infinity].filter((change) => change > at).concat(Infinity);
}
