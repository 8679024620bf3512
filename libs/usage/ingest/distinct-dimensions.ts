import type { EventCost, UsageDimensions, UsageEvent } from '@tare/core';

/** Sets of one model that an event is compared with; where there are more of them, it is looked up by its text. */
const MOST_COMPARED = 8;

/** The sets of dimensions that the events of a flush have: thousands of events share a few. */
export class DistinctDimensions {
  readonly sets: UsageDimensions[] = [];
  /** Positions among `sets`. */
  private readonly byModel = new Map<string | null, number[]>();
  private readonly byText = new Map<string, number>();

  /** Position of the event's set among `sets`. */
  positionOf(event: UsageEvent, cost: EventCost): number {
    const sameModel = this.byModel.get(event.model);
    if (sameModel === undefined) {
      const position = this.add(event, cost);
      this.byModel.set(event.model, [position]);
      return position;
    }
    for (const position of sameModel) if (isOf(this.sets[position] as UsageDimensions, event, cost)) return position;
    if (sameModel.length >= MOST_COMPARED) return this.byText.get(dimensionsText(dimensionsOf(event, cost))) ?? this.add(event, cost);
    const position = this.add(event, cost);
    sameModel.push(position);
    return position;
  }

  private add(event: UsageEvent, cost: EventCost): number {
    const set = dimensionsOf(event, cost);
    this.byText.set(dimensionsText(set), this.sets.length);
    return this.sets.push(set) - 1;
  }
}

/** One text for one set, since no dimension holds NUL and none that is there is empty. */
export function dimensionsText(set: UsageDimensions): string {
  const { type, provider, model, serviceTier, region, pool, feature, outcome, subscription, costState, costCurrency } = set;
  const what = `${type}\0${provider ?? ''}\0${model ?? ''}\0${serviceTier ?? ''}\0${region ?? ''}\0${pool ?? ''}\0${feature ?? ''}`;
  return `${what}\0${outcome}\0${subscription ?? ''}\0${costState}\0${costCurrency ?? ''}`;
}

function isOf(set: UsageDimensions, event: UsageEvent, { state, currency }: EventCost): boolean {
  return (
    set.feature === event.feature &&
    set.type === event.type &&
    set.provider === event.provider &&
    set.model === event.model &&
    set.serviceTier === event.serviceTier &&
    set.region === event.region &&
    set.pool === event.pool &&
    set.outcome === event.outcome &&
    set.subscription === event.subscription &&
    set.costState === state &&
    set.costCurrency === currency
  );
}

function dimensionsOf(event: UsageEvent, { state, currency }: EventCost): UsageDimensions {
  return {
    type: event.type,
    provider: event.provider,
    model: event.model,
    serviceTier: event.serviceTier,
    region: event.region,
    pool: event.pool,
    feature: event.feature,
    outcome: event.outcome,
    subscription: event.subscription,
    costState: state,
    costCurrency: currency,
  };
}
