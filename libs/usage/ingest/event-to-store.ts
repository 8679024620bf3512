import type { EventCost } from '@tare/core';
import type { IncomingEvent } from './incoming-event.ts';

/** A new event with everything that its row says. */
export interface EventToStore extends Omit<IncomingEvent, 'weight'> {
  readonly customerNo: number;
  readonly dimensionNo: number;
  readonly seq: number;
  readonly cost: EventCost;
}

/** A key that an event wants to be known by. */
export interface KeyToTake {
  readonly event: IncomingEvent;
  readonly customerNo: number;
}
