import type { ChaosCorrection, ChaosEvents } from './chaos-events.ts';

/** One correction of one event: the nth of those that its fate has. */
export interface CorrectionStep {
  readonly index: number;
  readonly position: number;
  readonly correction: ChaosCorrection;
}

/** Corrections of events that were acknowledged. The next one of an event is due when the one before it was acknowledged. */
export class CorrectionQueue {
  private readonly due: CorrectionStep[] = [];
  private readonly acknowledged: CorrectionStep[] = [];
  private underWay = 0;

  constructor(private readonly events: ChaosEvents) {}

  /** None is due, and none that is under way will bring another. */
  get isEmpty(): boolean {
    return this.due.length + this.underWay === 0;
  }

  get waiting(): number {
    return this.due.length;
  }

  get done(): number {
    return this.acknowledged.length;
  }

  eventAcknowledged(index: number): void {
    this.add(index, 0);
  }

  take(most: number): CorrectionStep[] {
    const steps = this.due.splice(0, most);
    this.underWay += steps.length;
    return steps;
  }

  stepAcknowledged(step: CorrectionStep): void {
    this.underWay -= 1;
    this.acknowledged.push(step);
    this.add(step.index, step.position + 1);
  }

  /** Some of those that were acknowledged before. */
  repeats(count: number, random: (below: number) => number): CorrectionStep[] {
    const known = this.acknowledged.length;
    if (known === 0) return [];
    return Array.from({ length: count }, () => this.acknowledged[random(known)] as CorrectionStep);
  }

  private add(index: number, position: number): void {
    const correction = this.events.correctionsOf(index)[position];
    if (correction !== undefined) this.due.push({ index, position, correction });
  }
}
