import { Injectable } from '@nestjs/common';
import { MeterStore } from '@tare/catalog';
import {
  aggregate,
  Decimal,
  filterMatches,
  isEventProperty,
  isValidAt,
  meterMatches,
  pricePart,
  recordText,
  recordValue,
  subscriptionFor,
  valueOfEvent,
  type Meter,
  type MeterFilter,
  type Period,
  type Price,
  type Segment,
} from '@tare/core';
import { CustomerStore, SubscriptionStore } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';
import { SeenEvents, type EventPlace, type SeenEvent, type SeenEventsQuery } from '@tare/usage';
import { InvoiceStore, placeOf } from '../invoices/invoice.store.ts';
import { AgreedBeforeStore, segmentsThen } from '../periods/agreed-before.store.ts';
import type { Invoice, InvoiceLine } from '../invoices/invoice.ts';

/**
 * COUNTED: the line counts it. LATE: so it does, and what the line corrects had not: it came later, or was another subscription's by what was agreed then.
 * CANCELED: what the line corrects had counted it, and the line does not.
 */
export type LineEventState = 'COUNTED' | 'LATE' | 'CANCELED';

/** An event behind a line, as the invoice saw it. */
export interface LineEvent {
  readonly event: SeenEvent;
  readonly state: LineEventState;
  /** Its own part of the line's quantity, in units of the meter; credits for credit overage. Null where the meter reads no number from it. */
  readonly quantity: Decimal | null;
  /** What a UNIQUE_COUNT meter counts of it; null for other meters. */
  readonly member: string | null;
}

export interface LineEventPage {
  readonly events: readonly LineEvent[];
  /** There may be more: a page that looked at much and found little is short. */
  readonly hasNextPage: boolean;
  /** Where to read on. */
  readonly end: EventPlace | null;
}

/** Events that were looked at together. */
export interface EventBatch {
  readonly behind: readonly LineEvent[];
  /** Where to read on; null: these were the last. */
  readonly next: EventPlace | null;
}

/** What counts an event for a line: a price's meter, or a burn rate's. */
interface Counting {
  readonly meter: Meter;
  /** What of the meter's events it takes: those that the price, while it is valid, its group or the burn rate is for. */
  readonly keeps: (event: SeenEvent) => boolean;
  /** Filters that sets of dimensions can be held against: all that are kept pass them. */
  readonly match: readonly MeterFilter[];
  readonly quantityOf: (event: SeenEvent) => Decimal | null;
}

/** What the corrected invoice had seen, and all segments of the customer as they were agreed when it was made. */
interface CorrectedSource {
  readonly seq: number;
  readonly segments: readonly Segment[];
}

/** Everything that is the same for all events of a line. */
export interface LineEventSource {
  /** Its segments inside of the line's period are rated as one part, or the period is that of one of them. */
  readonly subscriptionId: string;
  /** All of the customer, as they were agreed when the invoice was made. */
  readonly segments: readonly Segment[];
  readonly meters: ReadonlyMap<string, Meter>;
  readonly countings: readonly Counting[];
  /** Null where the line corrects no invoice. */
  readonly corrected: CorrectedSource | null;
  readonly query: Omit<SeenEventsQuery, 'after' | 'limit'>;
}

/** Events that are looked at in one query, and queries of a page. */
const BATCH = 2_000;
const BATCHES = 25;

/** The events behind an invoice line: what its price's meter counted, as the invoice saw it, page by page (SEMANTICS 8.4). */
@Injectable()
export class LineEvents {
  constructor(
    private readonly customers: CustomerStore,
    private readonly subscriptions: SubscriptionStore,
    private readonly meters: MeterStore,
    private readonly invoices: InvoiceStore,
    private readonly events: SeenEvents,
    private readonly agreed: AgreedBeforeStore,
  ) {}

  /** Null for a line that no event is behind: a fee, a commitment, a proration. */
  async source(tx: TenantTransaction, invoice: Invoice, line: InvoiceLine): Promise<LineEventSource | null> {
    const customer = (await this.customers.byIds(tx, [invoice.customerId])).get(invoice.customerId);
    const segments = await this.subscriptions.segments(tx, { customerIds: [invoice.customerId] });
    const segment = segments.find(({ id }) => id === line.segmentId);
    if (customer === undefined || segment === undefined || invoice.seenSeq === null) return null;
    const meters = new Map((await this.meters.all(tx)).map((meter) => [meter.key, meter]));
    const countings = countingsOf(line, segment, meters);
    if (countings.length === 0) return null;
    const { subscriptionId } = segment;
    const adjusted = line.adjusts === null ? null : await this.invoices.byId(tx, line.adjusts);
    const [then = segments, thenCorrected = segments] = await this.segmentsOf(tx, segments, subscriptionId, [invoice, adjusted]);
    const corrected = adjusted?.seenSeq == null ? null : { seq: adjusted.seenSeq, segments: thenCorrected };
    const { start: from, end: to }: Period = line.period;
    const dimensionNos = await this.dimensionsOf(tx, countings);
    const query = { customerNo: customer.no, from, to, upToSeq: invoice.seenSeq, countedAtSeq: corrected?.seq ?? null, dimensionNos };
    return { subscriptionId, segments: then, meters, countings, corrected, query };
  }

  /** The customer's segments as each of the invoices was made with; of drafts, and of none, as they are. */
  private async segmentsOf(
    tx: TenantTransaction,
    segments: readonly Segment[],
    subscriptionId: string,
    invoices: readonly (Invoice | null)[],
  ): Promise<(readonly Segment[])[]> {
    if (segments.every((segment) => segment.subscriptionId === subscriptionId)) return invoices.map(() => segments);
    const issued = invoices.flatMap((invoice) => (invoice?.number == null ? [] : [{ invoice, place: placeOf(invoice.number) }]));
    const agreed = await this.agreed.madeWith(
      tx,
      issued.map(({ invoice: { customerId }, place }) => ({ customerId, place })),
    );
    return invoices.map((invoice) => {
      const then = agreed[issued.findIndex((one) => one.invoice === invoice)];
      return then === undefined ? segments : segmentsThen(segments, subscriptionId, then);
    });
  }

  async page(tx: TenantTransaction, source: LineEventSource, first: number, after: EventPlace | null): Promise<LineEventPage> {
    const events: LineEvent[] = [];
    let place = after;
    for (let batches = 0; batches < BATCHES; batches += 1) {
      const { behind, next }: EventBatch = await this.batch(tx, source, place);
      for (const event of behind) {
        if (events.length === first) return { events, hasNextPage: true, end: endOf(events) };
        events.push(event);
      }
      if (next === null) return { events, hasNextPage: false, end: endOf(events) };
      place = next;
    }
    return { events, hasNextPage: true, end: place };
  }

  /** Looks at the next events, a bounded number, and answers those among them that are behind the line. */
  async batch(tx: TenantTransaction, source: LineEventSource, after: EventPlace | null): Promise<EventBatch> {
    const seen = await this.events.page(tx, { ...source.query, after, limit: BATCH });
    const last = seen.length < BATCH ? undefined : seen.at(-1);
    return { behind: seen.flatMap((event) => lineEvent(event, source)), next: last === undefined ? null : eventPlace(last) };
  }

  /** So that events of other types and models are not even looked at. */
  private async dimensionsOf(tx: TenantTransaction, countings: readonly Counting[]): Promise<number[]> {
    const numbers = new Set<number>();
    for (const { meter, match } of countings) {
      const filters = [...meter.filters, ...match].filter(({ property }) => !isEventProperty(property));
      const type = meter.eventType === '*' ? null : meter.eventType;
      for (const no of await this.events.dimensionsThat(tx, type, (dimensions) => filterMatches(filters, dimensions))) numbers.add(no);
    }
    return [...numbers];
  }
}

function countingsOf(line: InvoiceLine, segment: Segment, meters: ReadonlyMap<string, Meter>): Counting[] {
  const kind = line.adjustsKind ?? line.kind;
  if (kind === 'OVERAGE') return segment.terms.burnRates.flatMap((rate) => burning(rate, meters.get(rate.meter)));
  const price = kind === 'USAGE' ? segment.terms.prices.find(({ key }) => key === line.priceKey) : undefined;
  return price === undefined ? [] : pricing(price, line.group, meters);
}

/** The events of the line's own group; of a price without groups all of them. */
function pricing(price: Price, group: string | null, meters: ReadonlyMap<string, Meter>): Counting[] {
  const part = price.model === 'FLAT' ? null : pricePart(price, group);
  const meter = price.meter === null ? undefined : meters.get(price.meter);
  if (meter === undefined || part === null) return [];
  const property = price.model === 'PERCENTAGE' ? price.valueProperty : null;
  const quantityOf = (event: SeenEvent): Decimal | null => (property === null ? ownQuantity(meter, event) : recordValue(property, event));
  const keeps = (event: SeenEvent): boolean => isValidAt(price, event.from) && part.keeps(event);
  return [{ meter, keeps, match: part.price.match, quantityOf }];
}

function burning({ creditsPerUnit, match }: Segment['terms']['burnRates'][number], meter: Meter | undefined): Counting[] {
  if (meter === undefined) return [];
  const keeps = (event: SeenEvent): boolean => filterMatches(match, event);
  return [{ meter, keeps, match, quantityOf: (event) => ownQuantity(meter, event)?.times(creditsPerUnit) ?? null }];
}

/** What one event adds to a sum, or its own value among which the greatest or latest is sought. */
function ownQuantity(meter: Meter, event: SeenEvent): Decimal | null {
  switch (meter.aggregation) {
    case 'SUM':
    case 'COUNT':
      return aggregate(meter, [], [event]);
    case 'MAX':
    case 'LATEST':
      return valueOfEvent(meter, event);
    case 'UNIQUE_COUNT':
      return null;
    default:
      return meter.aggregation satisfies never;
  }
}

function lineEvent(event: SeenEvent, source: LineEventSource): LineEvent[] {
  const counting = source.countings.filter(({ meter, keeps }) => meterMatches(meter, event) && keeps(event));
  const state = counting.length === 0 ? null : stateOf(event, source);
  if (state === null) return [];
  const quantities = counting.flatMap(({ quantityOf }) => quantityOf(event) ?? []);
  const [unique] = counting.filter(({ meter }) => meter.aggregation === 'UNIQUE_COUNT');
  return [
    {
      event,
      state,
      quantity: quantities.length === 0 ? null : Decimal.sum(quantities),
      member: unique === undefined ? null : recordText(unique.meter.valueProperty ?? '', event),
    },
  ];
}

/** Null: neither the line counts it nor had what it corrects. */
function stateOf(event: SeenEvent, { subscriptionId, segments, meters, corrected }: LineEventSource): LineEventState | null {
  const isOwn = (agreed: readonly Segment[]): boolean => subscriptionFor(event, agreed, meters)?.subscriptionId === subscriptionId;
  const isCounted = !event.isCancelled && isOwn(segments);
  if (corrected === null) return isCounted ? 'COUNTED' : null;
  const wasCounted = event.seq <= corrected.seq && isOwn(corrected.segments);
  if (isCounted) return wasCounted ? 'COUNTED' : 'LATE';
  return wasCounted ? 'CANCELED' : null;
}

const eventPlace = ({ from, id }: SeenEvent): EventPlace => ({ at: from, id });

function endOf(events: readonly LineEvent[]): EventPlace | null {
  const last = events.at(-1);
  return last === undefined ? null : eventPlace(last.event);
}
