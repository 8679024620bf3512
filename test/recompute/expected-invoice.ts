import type { TenantTransaction } from '@tare/database';
import type { CaseAmounts, CaseDiscount, CasePeriod, CasePrice } from '../oracle/bill-case.ts';
import { discountedBy, isOfLines, type OracleLine } from '../oracle/bill-oracle.ts';
import { allowance, exactCharge, feeOf, partOf, type Used } from '../oracle/charge-oracle.ts';
import { Fraction, greatest } from '../oracle/fraction.ts';
import { leftByThen, leftInPeriod, type DiscountUse, type OtherUses } from './discount-uses.ts';
import { carriedOn, lotsIn, withoutOldest, type Lot } from './carried-lots.ts';
import { endOf, isFree, spanOfPeriods, type RawContract, type RawPeriod, type RawPrice, type RawSegment } from './raw-contract.ts';
import { hasChanges, isCounted, numberOf, quantityOf, readEvents, subscriptionOf, textOf, type RawEvent } from './raw-usage.ts';

/** An invoice as its row says. */
export interface RawInvoice {
  readonly id: string;
  readonly number: string;
  readonly kind: string;
  readonly subscription_id: string;
  readonly billing_at: number;
  readonly currency: string;
  readonly seen_seq: number;
  /** Place that the next invoice had when it was voided: those from there on do not find it. */
  readonly voided_place: number | null;
  /** The void invoice that was made again. */
  readonly replaces: string | null;
}

/** A line as its row says. */
export interface RawLine {
  readonly id: string;
  readonly invoice_id: string;
  readonly kind: string;
  readonly price_key: string | null;
  readonly price_group: string | null;
  readonly segment_id: string;
  readonly quantity: string;
  readonly exact_amount: string;
  readonly amount: string;
  readonly discount: string;
  readonly line_discount: string;
  /** What a commitment counts of a correction, where it is not the amount. */
  readonly committed: string | null;
  readonly period_start: number;
  readonly period_end: number;
  readonly adjusts: string | null;
  readonly adjusts_kind: string | null;
  readonly credits: string;
  readonly shares: readonly { readonly key: string; readonly amount: string; readonly ofLine: boolean }[];
  /** What credit notes took of it, with the place in the series of invoices that each had. */
  readonly credit_notes: readonly { readonly place: number; readonly amount: string }[];
}

/** What a line should be. */
export interface ExpectedLine extends OracleLine {
  readonly kind: string;
  readonly segment: string;
  readonly group: string | null;
  readonly end: number;
  readonly quantity: Fraction;
  /** Credits that it buys, or takes back. */
  readonly credits: Fraction;
  readonly adjusts: string | null;
  /** The charge for a fee that did not change: its discount is that of its credit. */
  readonly isMirrored?: boolean;
  /** Discounts by their keys, where they are known before those of the invoice are taken: what is given back. */
  readonly shares?: readonly { readonly key: string; readonly amount: Fraction }[];
  /** Of a DELTA, what a commitment counts: net of line discounts only. */
  readonly committed?: Fraction;
  /** What a DELTA corrects. */
  readonly adjustsKind: string | null;
}

/** What this second implementation does not say anything about, by name: a plan that has it is not recomputed, and the spec says so. */
export class NotCovered extends Error {}

/** A stretch of one billing period whose usage is rated as one part. */
interface JoinedPart {
  readonly pieces: readonly [RawPeriod, ...RawPeriod[]];
  readonly seats: number;
  readonly period: CasePeriod;
}

/** What usage of one price, or of one group of it, comes to in a part. */
interface UsedPart {
  readonly amounts: RawPrice | CaseAmounts;
  readonly group: string | null;
  readonly events: readonly RawEvent[];
  readonly quantity: Fraction;
}

/** Closed periods that were rated again, and everything that their lines took of discounts then. */
interface LateRating {
  /** Whose corrections it made. */
  readonly by: RawInvoice;
  /** The invoice that closed the periods, or the period that had none. */
  readonly adjusts: string;
  readonly billings: ReadonlySet<number>;
  readonly uses: readonly DiscountUse[];
}

/** An allowance that was carried into a part that is closed, and what the part left of it and of its own. */
interface CarriedPart {
  readonly part: JoinedPart;
  readonly price: RawPrice;
  readonly group: string | null;
  readonly opening: readonly Lot[];
  left: readonly Lot[];
}

const EMPTY = { prorateIncluded: false, rollover: false, groups: [] };
/** SEMANTICS 1.5; two decimals are the rule. */
const INCREMENTS: Readonly<Record<string, Fraction>> = {
  JPY: Fraction.ONE,
  KRW: Fraction.ONE,
  IQD: Fraction.of(1, 1_000),
  LYD: Fraction.of(1, 1_000),
};
/** What a commitment counts beside fees in advance. */
const COMMITTED = new Set(['USAGE', 'OVERAGE', 'FEE', 'COMMITMENT']);
/** Kinds of invoices that close periods. */
const CLOSING = new Set(['REGULAR', 'PRORATION']);
const ADVANCE = new Set(['FEE', 'CREDITS', 'PRORATION_CHARGE', 'PRORATION_CREDIT']);

/** Recomputes invoices of one customer from raw events: nothing that core computes with is used, and no bucket is read. */
export class ExpectedInvoices {
  /** Of several billing periods, by period and number. */
  private readonly spans = new Map<string, { readonly start: number; readonly end: number }>();
  /** Carried into parts, by subscription; each is gone through once, in the order of time. */
  private readonly carried = new Map<string, Map<string, readonly Lot[]>>();
  /** Carried after each closing, by subscription. */
  private readonly carriedAfter = new Map<string, { readonly billedAt: number; readonly lots: ReadonlyMap<string, readonly Lot[]> }[]>();

  /** What was billed before, by number and billing time. */
  private readonly found = new Map<string, ExpectedInvoices['issued']>();
  /** In the order in which they were made. */
  private readonly ratings: LateRating[] = [];

  constructor(
    private readonly tx: TenantTransaction,
    private readonly contract: RawContract,
    /** Lines of standing invoices, by invoice, in the order of numbers. */
    private readonly issued: readonly { readonly invoice: RawInvoice; readonly lines: readonly RawLine[] }[],
  ) {}

  /** The lines that the invoice should have, also those of zero. */
  async linesOf(invoice: RawInvoice): Promise<ExpectedLine[]> {
    const own = this.contract.periods.filter(
      ({ segment }) => segment.subscriptionId === invoice.subscription_id && segment.terms.currency === invoice.currency,
    );
    await this.loadSpans(own);
    await this.carryOn(invoice.subscription_id, own);
    const isLate = invoice.kind === 'SUPPLEMENTARY';
    const isRunning = invoice.kind === 'THRESHOLD';
    const closed = isLate
      ? []
      : own.filter((period) => (isRunning ? isOpenAt(period, invoice.billing_at) : period.billedAt === invoice.billing_at));
    const fees = isLate || isRunning ? [] : this.feesAt(invoice, own);
    // A threshold invoice corrects nothing: that waits for the next one that closes something.
    const corrections = isRunning ? [] : await this.corrections(invoice, own);
    const rated = new Set(closed.filter((period) => !isFree(period)).map(({ fullStart }) => fullStart));
    const uses = this.usesBefore(invoice, { carried: false, rated, adjusts: null });
    const others = { ofPeriod: uses, carried: this.usesBefore(invoice, { carried: true, rated, adjusts: null }) };
    const scope = await this.scope(invoice, closed, fees, { asOf: invoice, corrected: corrections, others, uses: [] });
    return [...scope.map((line) => this.lessBilled(line, invoice)), ...corrections];
  }

  private async loadSpans(own: readonly RawPeriod[]): Promise<void> {
    for (const period of own) {
      const { prices, commitmentIntervals = 1 } = period.segment.terms;
      for (const count of new Set([commitmentIntervals, ...prices.map(({ everyIntervals = 1 }) => everyIntervals)])) {
        const key = `${period.id} ${count}`;
        if (count !== 1 && !this.spans.has(key)) this.spans.set(key, await spanOfPeriods(this.tx, period, count));
      }
    }
  }

  /** The billing periods that one lies in, from where the subscription serves them. */
  private spanOf(period: RawPeriod, count: number): CasePeriod | null {
    if (count === 1) return { ...casePeriod(period), end: period.fullEnd };
    const span = this.spans.get(`${period.id} ${count}`);
    if (span === undefined) return null;
    const { start, trialEnd, termEnd } = period.segment;
    // A license that does not renew itself is paid for until its term ends.
    const end = Math.min(span.end, termEnd ?? span.end);
    return { start: Math.max(span.start, start, trialEnd ?? start), end, fullStart: span.start, fullEnd: span.end };
  }

  /**
   * What threshold invoices billed of a line while its period ran: round(cumulative) - billed (SEMANTICS 8.3); and of an invoice that is made again what
   * corrections of the void one billed or gave since.
   */
  private lessBilled(line: ExpectedLine, invoice: RawInvoice): ExpectedLine {
    const billed = this.before(invoice).flatMap(({ invoice: other, lines }) =>
      lines.filter((candidate) => {
        const isBilled = other.kind === 'THRESHOLD' && candidate.kind === line.kind;
        const isCorrected = candidate.kind === 'DELTA' && candidate.adjusts === invoice.replaces && candidate.adjusts_kind === line.kind;
        return (isBilled || isCorrected) && isSameCharge(candidate, line);
      }),
    );
    const sum = (texts: readonly string[]): Fraction => Fraction.sum(texts.map((text) => Fraction.read(text)));
    return {
      ...line,
      amount: line.amount.minus(sum(billed.map(({ amount }) => amount))),
      discount: line.discount.minus(sum(billed.map(({ discount }) => discount))),
      lineDiscount: line.lineDiscount.minus(sum(billed.map(({ line_discount: discount }) => discount))),
    };
  }

  /** Usage and arrears of the parts, their true-ups, fees; discounts before and after the true-ups (SEMANTICS 8.1). */
  private async scope(
    invoice: RawInvoice,
    closed: readonly RawPeriod[],
    fees: readonly ExpectedLine[],
    {
      asOf,
      corrected,
      others,
      uses,
      asBilled = [],
    }: {
      readonly asOf: RawInvoice;
      readonly corrected: readonly ExpectedLine[];
      readonly others: OtherUses;
      readonly uses: DiscountUse[];
      /** What stands for charges whose cost is awaited; those without a line here have none. */
      readonly asBilled?: readonly ExpectedLine[];
    },
  ): Promise<ExpectedLine[]> {
    const step = incrementOf(invoice.currency);
    const closing = invoice.kind !== 'THRESHOLD';
    const parts = joined(closed.filter((period) => !isFree(period)));
    const events = await this.eventsOf(invoice, closed, asOf.seen_seq);
    const usage = parts.flatMap((part) =>
      this.usageLines(part, parts, events, asOf, { step, runningAt: closing ? null : invoice.billing_at, asBilled }),
    );
    const given = fees.filter(({ kind, discount, isMirrored }) => kind === 'PRORATION_CREDIT' || !discount.isZero || isMirrored === true);
    const open = [...usage, ...fees.filter((line) => !given.includes(line))];
    const back = given.flatMap(({ billing, shares }) => (shares ?? []).map((share) => ({ ...share, billing })));
    const known = { ofPeriod: [...others.ofPeriod, ...back], carried: [...others.carried, ...back] };
    const charged = this.discounted(open, invoice, { others: known, uses, ofLine: true, step });
    const ofUsage = charged.slice(0, usage.length);
    // Paused time is not committed, and can be where a commitment over several periods ends.
    const paused = joined(closed.filter(({ segment: { paused: is, terms } }) => is && (terms.commitmentIntervals ?? 1) !== 1));
    const ending = closing ? [...parts, ...paused] : [];
    const trueUps = ending.flatMap((part) => this.trueUp(part, ending, ofUsage, { invoice, asOf, corrected, step }));
    const all = this.discounted([...ofUsage, ...trueUps, ...charged.slice(usage.length)], invoice, {
      others: known,
      uses,
      ofLine: false,
      step,
    });
    return [...all, ...given];
  }

  private async eventsOf(invoice: RawInvoice, closed: readonly RawPeriod[], seq: number): Promise<RawEvent[]> {
    if (closed.length === 0) return [];
    const [from, to] = [Math.min(...closed.map(({ start }) => start)), Math.max(...closed.map(({ end }) => end))];
    const until = invoice.kind === 'THRESHOLD' ? Math.min(to, invoice.billing_at) : to;
    return this.eventsIn(invoice.subscription_id, from, until, seq);
  }

  private async eventsIn(subscription: string, from: number, to: number, seq: number): Promise<RawEvent[]> {
    const events = await readEvents(this.tx, this.contract.customerNo, from, to, seq);
    return events.filter((event) => subscriptionOf(event, this.contract) === subscription);
  }

  /** Goes through what was closed, in the order of time, with what had been seen of usage each time: what late usage takes, what is carried now has not. */
  private async carryOn(subscription: string, own: readonly RawPeriod[]): Promise<void> {
    const isRolling = own.some(({ segment }) => segment.terms.prices.some(({ rollover }) => rollover === true));
    if (!isRolling || this.carried.has(subscription)) return;
    const openings = new Map<string, readonly Lot[]>();
    const now = new Map<string, readonly Lot[]>();
    const known: CarriedPart[] = [];
    const after: { billedAt: number; lots: ReadonlyMap<string, readonly Lot[]> }[] = [];
    const closings = own.filter((period) => period.billedAt !== null && !isFree(period));
    for (const billedAt of [...new Set(closings.map((period) => period.billedAt ?? 0))].sort((a, b) => a - b)) {
      const periods = closings.filter((period) => period.billedAt === billedAt);
      const seq = Math.max(...periods.map(({ seenSeq }) => seenSeq ?? 0));
      for (const before of known) {
        const left = await this.leftOf(subscription, before, seq);
        const name = `${before.price.key} ${before.group ?? ''}`;
        now.set(name, afterLate(now.get(name) ?? [], lotsIn(before.left).minus(lotsIn(left)), left.at(-1)?.expiresAt ?? null));
        before.left = left;
      }
      for (const part of joined(periods)) {
        for (const price of part.pieces[0].segment.terms.prices.filter(({ rollover }) => rollover === true)) {
          for (const group of [...(price.groups ?? []).map((one) => one.in.join(', ')), null]) {
            const name = `${price.key} ${group ?? ''}`;
            const opening = (now.get(name) ?? []).filter(({ expiresAt }) => expiresAt === null || expiresAt > part.period.start);
            const record: CarriedPart = { part, price, group, opening, left: [] };
            record.left = await this.leftOf(subscription, record, seq);
            openings.set(`${part.pieces[0].segment.id} ${part.period.start} ${name}`, opening);
            now.set(name, record.left);
            known.push(record);
          }
        }
      }
      after.push({ billedAt, lots: new Map(now) });
    }
    this.carriedAfter.set(subscription, after);
    this.carried.set(subscription, openings);
  }

  /** What a part leaves for the next: carried quantity is used first, the oldest of it before the rest. */
  private async leftOf(subscription: string, { part, price, group, opening }: CarriedPart, seq: number): Promise<Lot[]> {
    const [{ segment }] = part.pieces;
    const events = await this.eventsIn(subscription, part.period.start, part.pieces.at(-1)?.end ?? part.period.end, seq);
    const own = events.filter((event) => part.pieces.some(({ start, end }) => start <= event.at && event.at < end));
    const used = this.usedParts(price, own, []).find((candidate) => candidate.group === group);
    const period = validIn(price, part.period);
    if (used === undefined || period === null) return [...opening];
    const own12 = allowance({ ...EMPTY, ...casePrice(price) }, stated(used.amounts), part.seats, period);
    const end = part.pieces.at(-1)?.end ?? part.period.end;
    const lives = price.rolloverPeriods ?? null;
    const expiresAt = lives === null ? null : await endOf(this.tx, segment.id, part.period.start, lives + 1);
    const most = price.rolloverMaximum ?? null;
    return carriedOn(opening, {
      own: price.prorateIncluded === true || end === part.period.fullEnd ? own12 : null,
      used: used.quantity,
      expiresAt,
      end,
      most: most === null ? null : Fraction.read(most).times(Fraction.of(price.perSeat ? part.seats : 1)),
    });
  }

  /** `runningAt`: of a part that still runs then, what the closings before have left. */
  private openingOf({ segment }: RawPeriod, start: number, price: RawPrice, group: string | null, runningAt: number | null): Fraction {
    if (price.rollover !== true) return Fraction.ZERO;
    const name = `${price.key} ${group ?? ''}`;
    const left = this.carriedAfter.get(segment.subscriptionId)?.findLast(({ billedAt }) => runningAt !== null && billedAt <= runningAt);
    const opening =
      runningAt === null ? this.carried.get(segment.subscriptionId)?.get(`${segment.id} ${start} ${name}`) : left?.lots.get(name);
    return lotsIn((opening ?? []).filter(({ expiresAt }) => expiresAt === null || expiresAt > start));
  }

  private usageLines(
    part: JoinedPart,
    parts: readonly JoinedPart[],
    events: readonly RawEvent[],
    asOf: RawInvoice,
    { step, runningAt, asBilled }: RatingOf,
  ): ExpectedLine[] {
    const [{ segment }] = part.pieces;
    const inside = (of: JoinedPart, event: RawEvent): boolean => of.pieces.some(({ start, end }) => start <= event.at && event.at < end);
    const own = events.filter((event) => inside(part, event));
    const earlier = parts.filter((other) => other.period.fullStart === part.period.fullStart && other.period.start < part.period.start);
    const before = events.filter((event) => earlier.some((other) => inside(other, event)));
    const usage = segment.terms.prices.flatMap((price) =>
      price.model === 'FLAT' ? [] : this.priceLines(price, part, own, before, { step, runningAt, asBilled }),
    );
    const arrears =
      runningAt === null ? part.pieces.flatMap((piece) => feeLines('FEE', piece.segment, 'IN_ARREARS', casePeriod(piece), step)) : [];
    return [...usage, ...this.overage(part, asOf, step), ...arrears];
  }

  private priceLines(
    price: RawPrice,
    part: JoinedPart,
    own: readonly RawEvent[],
    before: readonly RawEvent[],
    { step, runningAt, asBilled }: RatingOf,
  ): ExpectedLine[] {
    const period = validIn(price, part.period);
    if (period === null) return [];
    return this.usedParts(price, own, before).flatMap(({ amounts, group, events, quantity }) => {
      if (price.model === 'COST_PLUS' && events.some(isUnpriced)) return asBilled.filter((line) => isOf(line, part, price, group));
      const cost = Fraction.sum(events.map((event) => costIn(event, part.pieces[0].segment.terms.currency)));
      const carried = this.openingOf(part.pieces[0], part.period.start, price, group, runningAt);
      const used: Used = { quantity, events: Fraction.of(events.length), cost, carried };
      // Minimums are for the period as a whole: a threshold invoice has none.
      const { minimumAmount, ...others } = stated<CaseAmounts>(amounts);
      const due = runningAt === null && minimumAmount !== undefined ? { ...others, minimumAmount } : others;
      const exact = exactCharge({ ...EMPTY, ...casePrice(price) }, due, used, part.seats, period);
      return [expected('USAGE', part.pieces[0].segment, price.key, group, part.period, quantity, exact, exact.rounded(step))];
    });
  }

  /** Usage of a price in its groups, and of the rest of it; `before`: events of earlier parts of the billing period. */
  private usedParts(price: RawPrice, own: readonly RawEvent[], before: readonly RawEvent[]): UsedPart[] {
    const meter = this.contract.meters.get(price.meter ?? '');
    if (meter === undefined) return [];
    const groups = price.groups ?? [];
    const groupOf = (event: RawEvent): number =>
      groups.findIndex((group) => group.in.includes(textOf(event, price.groupBy ?? '') ?? '\u0000'));
    const counted = (events: readonly RawEvent[], index: number): RawEvent[] =>
      events.filter((event) => isCounted(event, meter, price.match) && groupOf(event) === index);
    const valid = own.filter(({ at }) => (price.validFrom ?? at) <= at && at < (price.validUntil ?? at + 1));
    const property = price.model === 'PERCENTAGE' ? (price.valueProperty ?? null) : null;
    return [...groups.entries(), [-1, price] as const].map(([index, amounts]) => {
      const events = counted(valid, index);
      const quantity =
        property === null
          ? quantityOf(meter, events, counted(before, index))
          : Fraction.sum(events.map((event) => numberOf(event, property) ?? Fraction.ZERO));
      return { amounts, group: index < 0 ? null : (groups[index]?.in.join(', ') ?? null), events, quantity };
    });
  }

  /**
   * What was left uncovered is a recorded decision (SEMANTICS 7.3): its quantity is taken as the invoice, or the last before it, has it; what it costs is not.
   */
  private overage(part: JoinedPart, asOf: RawInvoice, step: Fraction): ExpectedLine[] {
    const [{ segment }] = part.pieces;
    const { creditExhaustion, overagePricePerCredit } = segment.terms;
    if (creditExhaustion !== 'OVERAGE' || overagePricePerCredit === null) return [];
    const known = [...this.before(asOf), ...this.issued.filter(({ invoice }) => invoice.id === asOf.id)].flatMap(({ lines }) => lines);
    const line = known.findLast(
      (candidate) =>
        (candidate.adjusts_kind ?? candidate.kind) === 'OVERAGE' &&
        candidate.segment_id === segment.id &&
        candidate.period_start === part.period.start,
    );
    const quantity = Fraction.read(line?.quantity ?? '0');
    const exact = quantity.times(Fraction.read(overagePricePerCredit));
    const due = expected('OVERAGE', segment, null, null, part.period, quantity, exact, exact.rounded(step));
    return [{ ...due, chargedAs: 'USAGE' }];
  }

  private trueUp(
    part: JoinedPart,
    parts: readonly JoinedPart[],
    lines: readonly ExpectedLine[],
    of: { readonly invoice: RawInvoice; readonly asOf: RawInvoice; readonly corrected: readonly ExpectedLine[]; readonly step: Fraction },
  ): ExpectedLine[] {
    const [{ segment }] = part.pieces;
    const { minimumCommitment, commitmentIntervals = 1 } = segment.terms;
    if (minimumCommitment === null) return [];
    if (commitmentIntervals !== 1) return this.trueUpOfSeveral(part, parts, lines, of);
    const ids = new Set(part.pieces.map((piece) => piece.segment.id));
    const isOwn = (id: string, at: number): boolean =>
      part.pieces.some(({ segment: of, start, end }) => of.id === id && start <= at && at < end);
    const usage = Fraction.sum(lines.filter((line) => isOwn(line.segment, line.start)).map(netOfLine));
    const paid = this.feesBetween(this.before(of.invoice), ids, part.period.fullStart, part.period.fullEnd);
    const committed = partOf(Fraction.read(minimumCommitment), part.period);
    const missing = greatest(Fraction.ZERO, committed.minus(paid).minus(usage));
    return [missingLine(segment, part.period, missing, of.step)];
  }

  /** One for several billing periods, with the part that ends them: each segment commits for its time, everything billed for that time counts. */
  private trueUpOfSeveral(
    part: JoinedPart,
    parts: readonly JoinedPart[],
    lines: readonly ExpectedLine[],
    { asOf, corrected, step }: { readonly asOf: RawInvoice; readonly corrected: readonly ExpectedLine[]; readonly step: Fraction },
  ): ExpectedLine[] {
    const [first] = part.pieces;
    const count = first.segment.terms.commitmentIntervals ?? 1;
    const chain = this.committedTogether(first.segment);
    const whole = this.spans.get(`${first.id} ${count}`);
    if (whole === undefined) return [];
    const begin = chain[0]?.trialEnd ?? chain[0]?.start ?? whole.start;
    const span = { start: Math.max(whole.start, begin), end: Math.min(whole.end, chain.at(-1)?.end ?? whole.end) };
    const pieces = chain.flatMap((segment) => {
      if (segment.paused) return [];
      const piece = { start: Math.max(segment.start, span.start), end: Math.min(segment.end ?? span.end, span.end) };
      return piece.start < piece.end ? [{ segment, period: { ...piece, fullStart: whole.start, fullEnd: whole.end } }] : [];
    });
    if (part.pieces.at(-1)?.end !== span.end) return [];
    const ids = new Set(pieces.map(({ segment }) => segment.id));
    const isInside = (id: string, start: number): boolean => ids.has(id) && span.start <= start && start < span.end;
    const isOfParts = (line: RawLine): boolean =>
      (line.adjusts_kind ?? line.kind) === 'COMMITMENT'
        ? parts.some(({ period }) => period.end === line.period_end)
        : parts.some((other) =>
            other.pieces.some(
              ({ segment, start, end }) => segment.id === line.segment_id && start <= line.period_start && line.period_start < end,
            ),
          );
    const before = this.before(asOf)
      .flatMap((other) => other.lines)
      .filter((line) => COMMITTED.has(line.adjusts_kind ?? line.kind) && !this.isAdvance(line) && !isOfParts(line))
      .filter((line) => isInside(line.segment_id, line.period_start));
    const committed = pieces.map(({ segment, period }) => partOf(Fraction.read(segment.terms.minimumCommitment ?? '0'), period));
    const counted = [
      this.feesBetween(this.before(asOf), ids, span.start, span.end),
      ...before.map(countedBefore),
      ...corrected
        .filter((line) => COMMITTED.has(line.adjustsKind ?? '') && isInside(line.segment, line.start))
        .map((line) => line.committed ?? line.amount),
      ...lines.filter((line) => isInside(line.segment, line.start)).map(netOfLine),
    ];
    const missing = greatest(Fraction.ZERO, Fraction.sum(committed).minus(Fraction.sum(counted)));
    const { fullStart, fullEnd } = part.period;
    return [missingLine(first.segment, { ...span, fullStart, fullEnd }, missing, step)];
  }

  /** Segments that follow one another with a commitment over as many periods fulfil it together; time that is paused among them is not committed. */
  private committedTogether(segment: RawSegment): RawSegment[] {
    const own = this.contract.segments.filter(({ subscriptionId }) => subscriptionId === segment.subscriptionId);
    const isAlike = ({ terms }: RawSegment): boolean =>
      terms.minimumCommitment !== null && (terms.commitmentIntervals ?? 1) === (segment.terms.commitmentIntervals ?? 1);
    const at = own.findIndex(({ id }) => id === segment.id);
    let [from, to] = [at, at];
    for (let one = own[from - 1]; one !== undefined && isAlike(one) && one.end === own[from]?.start; one = own[from - 1]) from -= 1;
    for (let one = own[to + 1]; one !== undefined && isAlike(one) && one.start === own[to]?.end; one = own[to + 1]) to += 1;
    return own.slice(from, to + 1);
  }

  /** Fees in advance for a time, net of line discounts: of one for longer than that its part by real time. */
  private feesBetween(billed: ExpectedInvoices['issued'], ids: ReadonlySet<string>, from: number, until: number): Fraction {
    const fees = billed
      .flatMap(({ lines }) => lines)
      .filter((line) => ids.has(line.segment_id) && this.isAdvance(line) && line.period_start < until && line.period_end > from);
    return Fraction.sum(
      fees.map((line) => {
        const net = Fraction.read(line.amount).minus(Fraction.read(line.line_discount));
        const [start, end] = [Math.max(line.period_start, from), Math.min(line.period_end, until)];
        return partOf(net, { start, end, fullStart: line.period_start, fullEnd: line.period_end });
      }),
    );
  }

  private isAdvance({ kind, price_key: key, segment_id: id }: RawLine): boolean {
    const price = this.contract.segments.find((segment) => segment.id === id)?.terms.prices.find((candidate) => candidate.key === key);
    return ADVANCE.has(kind) && price?.timing !== 'IN_ARREARS';
  }

  /** Fees of the periods that begin at the instant; where one begins inside of a paid period, credit for the rest of what was billed and charge for it. */
  private feesAt(invoice: RawInvoice, own: readonly RawPeriod[]): ExpectedLine[] {
    const step = incrementOf(invoice.currency);
    const opens = own.filter(({ start }) => start === invoice.billing_at);
    const [to] = opens;
    const from = own.find(({ end, segment }) => end === invoice.billing_at && segment.id !== to?.segment.id);
    // A fee for several billing periods is unused at the end of one, too.
    const isUnused = from !== undefined && (from.end !== from.fullEnd || this.hasLongerFee(invoice, from));
    const isChange = isUnused && !isFree(from) && (to !== undefined || from.segment.creditsUnused);
    if (!isChange)
      return opens
        .filter((period) => !isFree(period))
        .flatMap((period) => this.advance(period, !isResumed(period, own), (kind) => kind, step));
    const charges =
      to === undefined || isFree(to) ? [] : this.advance(to, true, (kind, of) => (isWhole(of) ? kind : 'PRORATION_CHARGE'), step);
    const before = this.before(invoice).flatMap(({ lines }) => lines);
    const unused = before.filter((line) => isUnusedFee(line, from.segment, invoice.billing_at));
    const credits = [...unused, ...(unused.some(grantsCredits) ? [] : lastCredits(before, invoice.billing_at))];
    const place = placeOf(invoice.number);
    const given = credits.map((line) => {
      const credit = creditOf(line, from, invoice.billing_at, place, step);
      return { line, credit: { ...credit, billing: this.billingOf(line) ?? credit.billing } };
    });
    const lines = [...given.map(({ credit }) => credit), ...charges.map((charge) => mirrored(charge, given, from.segment, to?.segment))];
    const added = Fraction.sum(lines.map((line) => line.credits));
    // Credits that were bought stay in the wallet: they are taken back only against more of the new plan's.
    return to !== undefined && !isFree(to) && added.isPositive
      ? lines
      : lines.filter(({ kind, credits }) => kind === 'CREDITS' || credits.isZero);
  }

  private hasLongerFee(invoice: RawInvoice, { segment, end }: RawPeriod): boolean {
    return this.before(invoice).some(({ lines }) => lines.some((line) => isUnusedFee(line, segment, end)));
  }

  /** What begins with the period: fixed fees in advance and the plan's credits, each for the rest of its billing period or periods. */
  private advance(
    period: RawPeriod,
    hasCredits: boolean,
    kindOf: (kind: string, of: CasePeriod) => string,
    step: Fraction,
  ): ExpectedLine[] {
    const { segment } = period;
    const fees = segment.terms.prices.flatMap((price) => {
      const rest = this.spanOf(period, price.everyIntervals ?? 1);
      if (rest === null) return [];
      const lines = feeLines('FEE', { ...segment, terms: { ...segment.terms, prices: [price] } }, 'IN_ADVANCE', rest, step);
      const begin = lines.filter(({ start }) => period.start <= start && start < period.fullEnd);
      return begin.map((line) => {
        const of = { start: line.start, end: line.end, fullStart: rest.fullStart, fullEnd: rest.fullEnd };
        return { ...line, kind: kindOf('FEE', of), billing: period.fullStart };
      });
    });
    const rest: CasePeriod = { ...casePeriod(period), end: period.fullEnd };
    const { creditsPerInterval, creditPrice } = segment.terms;
    if (!hasCredits || creditsPerInterval === null || Fraction.read(creditsPerInterval).isZero) return fees;
    const whole = Fraction.read(creditsPerInterval).times(Fraction.read(creditPrice ?? '0'));
    const amount = whole.times(shareOf(rest)).rounded(step);
    const quantity = partOf(Fraction.read(creditsPerInterval), rest);
    const line = expected(kindOf('CREDITS', rest), segment, null, null, rest, quantity, partOf(whole, rest), amount);
    return [...fees, { ...line, chargedAs: 'FEES', credits: quantity }];
  }

  /** Closed periods, rated again with what was seen now, less what was billed for them (SEMANTICS 8.3). */
  private async corrections(invoice: RawInvoice, own: readonly RawPeriod[]): Promise<ExpectedLine[]> {
    const earlier = own.filter(({ billedAt }) => billedAt !== null && this.isClosedBefore(invoice, billedAt));
    const deltas: ExpectedLine[] = [];
    let isLate = false;
    for (const billedAt of new Set(earlier.map((period) => period.billedAt))) {
      const periods = earlier.filter((period) => period.billedAt === billedAt);
      const closing = this.before(invoice).findLast(({ invoice: other }) => other.billing_at === billedAt && CLOSING.has(other.kind));
      const adjusts = closing?.invoice.id ?? (periods[0]?.invoiceId == null ? (periods[0]?.id ?? '') : null);
      if (adjusts === null) {
        deltas.push(...(await this.takenBack(invoice, periods, billedAt)));
        continue;
      }
      // What others left of a commitment or of an amount off is another thing every time: only what came late rates a period again.
      if (await this.isTouched(invoice, periods, closing?.invoice)) isLate = true;
      else if (!isLate || !hasLongCommitment(periods)) continue;
      const original = closing?.invoice ?? { ...invoice, billing_at: billedAt ?? 0 };
      const billings = new Set(periods.filter((period) => !isFree(period)).map(({ fullStart }) => fullStart));
      const asBilled = await this.awaitedAsBilled(invoice, original, periods, adjusts);
      const others = this.usesBesides({ invoice, original, billings, adjusts });
      const uses: DiscountUse[] = [];
      const due = await this.scope(original, periods, [], { asOf: invoice, corrected: deltas, others, uses, asBilled });
      this.ratings.push({ by: invoice, adjusts, billings, uses: uses.filter(({ billing }) => billings.has(billing)) });
      deltas.push(...due.filter(({ billing }) => billings.has(billing)).flatMap((line) => this.delta(line, adjusts, invoice)));
    }
    return deltas;
  }

  /** The invoice was void then: nothing is due until it is made again, and what corrections of it billed or gave is taken back (docs/decisions/0020). */
  private async takenBack(invoice: RawInvoice, periods: readonly RawPeriod[], billedAt: number | null): Promise<ExpectedLine[]> {
    const isVoid = ({ subscription_id: other, number, billing_at: at, kind }: RawInvoice): boolean =>
      other === invoice.subscription_id && placeOf(number) < placeOf(invoice.number) && at === billedAt && CLOSING.has(kind);
    const closing = this.issued.findLast((candidate) => isVoid(candidate.invoice))?.invoice;
    if (closing === undefined) return [];
    const isOf = ({ kind, adjusts }: RawLine): boolean =>
      kind === 'DELTA' && (adjusts === closing.id || this.isMadeAgainBy(closing.id, adjusts));
    const corrections = this.before(invoice).flatMap(({ lines }) => lines.filter(isOf));
    if (corrections.length === 0) return [];
    const billings = new Set(periods.map(({ fullStart }) => fullStart));
    const others = this.usesBesides({ invoice, original: closing, billings, adjusts: closing.id });
    const asBilled = (await this.awaited(invoice, periods)).map(({ line }) => line);
    const rated = await this.scope(closing, periods, [], { asOf: invoice, corrected: [], others, uses: [], asBilled });
    return rated.flatMap((line) => {
      const own = corrections.filter((candidate) => candidate.adjusts_kind === line.kind && isSameCharge(candidate, line));
      const amount = Fraction.sum(
        own.map(({ amount: billed, discount }) => Fraction.read(billed).minus(Fraction.read(discount))),
      ).negated();
      const committed = Fraction.sum(own.map(countedBefore)).negated();
      const nothing = { discount: Fraction.ZERO, lineDiscount: Fraction.ZERO };
      const back = { ...line, ...nothing, kind: 'DELTA', adjustsKind: line.kind, exact: amount, amount, committed, adjusts: closing.id };
      return amount.isZero ? [] : [back];
    });
  }

  /** Charges of closed periods whose cost is awaited, by what an invoice sees. */
  private async awaited(invoice: RawInvoice, periods: readonly RawPeriod[]): Promise<AwaitedCharge[]> {
    const isPlus = ({ segment }: RawPeriod): boolean => segment.terms.prices.some(({ model }) => model === 'COST_PLUS');
    if (!periods.some(isPlus)) return [];
    const events = await this.eventsOf({ ...invoice, kind: 'REGULAR' }, periods, invoice.seen_seq);
    return joined(periods.filter((period) => !isFree(period))).flatMap((part) =>
      part.pieces[0].segment.terms.prices
        .filter(({ model }) => model === 'COST_PLUS')
        .flatMap((price) =>
          this.usedParts(price, eventsIn(part, events), [])
            .filter(({ events: used }) => used.some(isUnpriced))
            .map(({ group }) => {
              const { segment } = part.pieces[0];
              return {
                part,
                price,
                line: expected('USAGE', segment, price.key, group, part.period, Fraction.ZERO, Fraction.ZERO, Fraction.ZERO),
              };
            }),
        ),
    );
  }

  /**
   * Such charges that were billed stand as they were billed last: rated from what the last invoice that billed of them and knew all cost had seen. An invoice that
   * was made again without the charge leaves only corrections of the void one: it stands for nothing then.
   */
  private async awaitedAsBilled(
    invoice: RawInvoice,
    original: RawInvoice,
    periods: readonly RawPeriod[],
    adjusts: string,
  ): Promise<ExpectedLine[]> {
    const lines: ExpectedLine[] = [];
    for (const { part, price, line } of await this.awaited(invoice, periods)) {
      const billed = this.billedOf(line, adjusts, invoice);
      const last = billed.at(-1);
      if (last === undefined || (last.kind === 'DELTA' && last.adjusts !== adjusts)) continue;
      for (const { invoice_id: id } of billed.toReversed()) {
        const by = this.issued.find((other) => other.invoice.id === id)?.invoice ?? original;
        const runningAt = by.kind === 'THRESHOLD' ? by.billing_at : null;
        const seen = eventsIn(part, await this.eventsOf(by, periods, by.seen_seq));
        const rating = { step: incrementOf(invoice.currency), runningAt, asBilled: [] };
        const known = this.priceLines(price, part, seen, [], rating).find(({ group }) => group === line.group);
        if (known === undefined) continue;
        lines.push(known);
        break;
      }
    }
    return lines;
  }

  /** Whether usage of the periods came, was cancelled or got its cost since an invoice looked at them last. */
  private async isTouched(invoice: RawInvoice, periods: readonly RawPeriod[], closing: RawInvoice | undefined): Promise<boolean> {
    // Where it was voided and made again since, the period tells of the later one.
    const seen = [
      ...(closing === undefined ? periods.map(({ seenSeq }) => seenSeq ?? 0) : [closing.seen_seq]),
      ...this.before(invoice).flatMap(({ invoice: { kind, seen_seq: seq, billing_at: at } }) =>
        kind !== 'THRESHOLD' && at >= (periods[0]?.billedAt ?? 0) ? [seq] : [],
      ),
    ];
    const [from, to] = [Math.min(...periods.map(({ start }) => start)), Math.max(...periods.map(({ end }) => end))];
    return hasChanges(this.tx, this.contract.customerNo, { from, to, after: Math.max(...seen), upTo: invoice.seen_seq });
  }

  /**
   * What others than the lines of closed periods took of amounts off: the discounts are those of the invoice that closed them, with what it gave back for time that
   * was not used. Of an amount whose rest is carried on, what later periods took is gone.
   */
  private usesBesides(late: {
    readonly invoice: RawInvoice;
    readonly original: RawInvoice;
    readonly billings: ReadonlySet<number>;
    readonly adjusts: string;
  }): OtherUses {
    const { invoice, original, billings: rated, adjusts } = late;
    const closing = this.before(invoice).filter(({ invoice: { id } }) => id === adjusts);
    const ofClosing = closing.flatMap(({ lines }) => lines.filter((line) => this.isAdvance(line)).flatMap((line) => this.usesOf(line)));
    return {
      ofPeriod: [...this.usesBefore(original, { carried: false, rated, adjusts, asOf: invoice }), ...ofClosing],
      carried: this.usesBefore(invoice, { carried: true, rated, adjusts }),
    };
  }

  /**
   * What invoices before one took of discounts, without what threshold invoices took for lines that are rated again now. `carried`: as periods stand after they were
   * rated again; without the lines of the invoice that is corrected, and what they took when they were rated last.
   */
  private usesBefore(
    invoice: RawInvoice,
    {
      carried,
      rated,
      adjusts,
      asOf = invoice,
    }: {
      readonly carried: boolean;
      readonly rated: ReadonlySet<number>;
      readonly adjusts: string | null;
      /** What was voided by then has taken nothing. */
      readonly asOf?: RawInvoice;
    },
  ): DiscountUse[] {
    const standing = this.before(asOf);
    const before = this.before(invoice).filter((other) => standing.includes(other));
    const isStanding = (id: string): boolean =>
      before.some(({ invoice: other }) => other.id === id) || this.contract.periods.some((period) => period.id === id);
    const made = carried
      ? this.ratings.filter(
          ({ by, adjusts: of }) => isStanding(of) && (by.id === invoice.id || before.some((other) => other.invoice.id === by.id)),
        )
      : [];
    const last = made.filter((rating, index) => !made.some((other, later) => later > index && other.adjusts === rating.adjusts));
    const isRatedAgain = (line: RawLine, other: RawInvoice): boolean => {
      const billing = this.billingOf(line);
      const isOf = (of: string, billings: ReadonlySet<number>): boolean =>
        (other.id === of && !this.isAdvance(line)) || (other.kind === 'THRESHOLD' && billing !== null && billings.has(billing));
      const isOwn = other.kind === 'THRESHOLD' && billing !== null && rated.has(billing);
      return isOwn || (carried && adjusts !== null && isOf(adjusts, rated)) || last.some((rating) => isOf(rating.adjusts, rating.billings));
    };
    return [
      ...before.flatMap(({ invoice: other, lines }) =>
        lines.filter((line) => !isRatedAgain(line, other)).flatMap((line) => this.usesOf(line)),
      ),
      ...last.filter((rating) => rating.adjusts !== adjusts).flatMap(({ uses }) => uses),
    ];
  }

  private usesOf(line: RawLine): DiscountUse[] {
    const billing = this.billingOf(line.kind === 'PRORATION_CREDIT' ? this.creditedBy(line) : line);
    return billing === null ? [] : line.shares.map(({ key, amount }) => ({ key, billing, amount: Fraction.read(amount) }));
  }

  /** The fee that a credit gives back of: what it took of an amount off goes back to the period that it was taken for. */
  private creditedBy(credit: RawLine): RawLine {
    const own = this.issued.findIndex(({ invoice }) => invoice.id === credit.invoice_id);
    const before = this.issued.slice(0, own).flatMap(({ lines }) => lines);
    const isSame = (line: RawLine): boolean => line.price_key === credit.price_key && line.period_end === credit.period_end;
    return before.findLast((line) => isSame(line) && ['FEE', 'PRORATION_CHARGE'].includes(line.kind)) ?? credit;
  }

  /** When the billing period begins that a line is for. */
  private billingOf({ segment_id: id, period_start: start }: RawLine): number | null {
    const isIn = ({ segment, fullStart, fullEnd }: RawPeriod): boolean => segment.id === id && fullStart <= start && start < fullEnd;
    return this.contract.periods.find(isIn)?.fullStart ?? null;
  }

  /** One that is made again comes long after its own time: whatever was closed before it by its number is earlier. */
  private isClosedBefore(invoice: RawInvoice, billedAt: number): boolean {
    if (invoice.replaces === null)
      return billedAt < invoice.billing_at || (invoice.kind === 'SUPPLEMENTARY' && billedAt === invoice.billing_at);
    return (
      billedAt !== invoice.billing_at &&
      this.before(invoice).some(({ invoice: other }) => other.billing_at === billedAt && CLOSING.has(other.kind))
    );
  }

  /** An invoice that was made again took off what corrections of the void one had billed: they are corrections of its periods still. */
  private isMadeAgainBy(id: string, other: string | null): boolean {
    const replaced = this.issued.find(({ invoice }) => invoice.id === id)?.invoice.replaces ?? null;
    return replaced !== null && (replaced === other || this.isMadeAgainBy(replaced, other));
  }

  /** What was billed of a charge of closed periods: by the invoice that closed them, by threshold invoices, by corrections. */
  private billedOf(line: ExpectedLine, adjusts: string, invoice: RawInvoice): RawLine[] {
    return this.before(invoice).flatMap(({ invoice: other, lines }) =>
      lines.filter(
        (candidate) =>
          (candidate.kind === 'DELTA'
            ? (candidate.adjusts === adjusts || this.isMadeAgainBy(adjusts, candidate.adjusts)) && candidate.adjusts_kind === line.kind
            : (other.id === adjusts || other.kind === 'THRESHOLD') && candidate.kind === line.kind) && isSameCharge(candidate, line),
      ),
    );
  }

  private delta(line: ExpectedLine, adjusts: string, invoice: RawInvoice): ExpectedLine[] {
    const billed = this.billedOf(line, adjusts, invoice);
    const already = Fraction.sum(billed.map(({ amount, discount }) => Fraction.read(amount).minus(Fraction.read(discount))));
    const amount = line.amount.minus(line.discount).minus(already);
    if (amount.isZero) return [];
    const committed = line.amount.minus(line.lineDiscount).minus(Fraction.sum(billed.map(countedBefore)));
    return [
      {
        ...line,
        kind: 'DELTA',
        adjustsKind: line.kind,
        exact: amount,
        amount,
        discount: Fraction.ZERO,
        lineDiscount: Fraction.ZERO,
        committed,
        adjusts,
      },
    ];
  }

  /** Invoices of the subscription that were finalized before and stood then. */
  private before(invoice: RawInvoice): ExpectedInvoices['issued'] {
    const { number, subscription_id: subscription, billing_at: at } = invoice;
    const known = this.found.get(`${number} ${at}`);
    if (known !== undefined) return known;
    const place = placeOf(number);
    const standing = this.issued.filter(
      ({ invoice: { subscription_id: other, number: before, voided_place: voided } }) =>
        other === subscription && placeOf(before) < place && (voided === null || voided > place),
    );
    const lines = this.handedOver(
      invoice,
      standing.flatMap((other) => other.lines),
    );
    const found = lines.length === 0 ? standing : [...standing, { invoice: { ...invoice, id: '', kind: 'NONE', billing_at: -1 }, lines }];
    this.found.set(`${number} ${at}`, found);
    return found;
  }

  /**
   * A change that leaves a fee as it was makes no invoice: what was billed of it goes over to what begins. The lines that would say so are credit for the rest
   * of the fee and charge for the same, of each such change before the invoice.
   */
  private handedOver(
    { subscription_id: subscription, billing_at: at, number, currency }: RawInvoice,
    lines: readonly RawLine[],
  ): RawLine[] {
    const own = this.contract.periods.filter(
      ({ segment }) => segment.subscriptionId === subscription && segment.terms.currency === currency,
    );
    const made: RawLine[] = [];
    for (const to of own.filter(({ start }) => start < at).sort((a, b) => a.start - b.start)) {
      const from = own.find(({ end, segment }) => end === to.start && segment.id !== to.segment.id);
      if (from === undefined || isFree(from) || isFree(to)) continue;
      const step = incrementOf(currency);
      const charges = this.advance(to, false, (kind, of) => (isWhole(of) ? kind : 'PRORATION_CHARGE'), step);
      const known = [...lines, ...made];
      for (const line of known.filter((other) => isUnusedFee(other, from.segment, to.start) && Fraction.read(other.credits).isZero)) {
        const isCredited = ({ kind, segment_id: id, price_key: key, period_end: end }: RawLine): boolean =>
          kind === 'PRORATION_CREDIT' && id === from.segment.id && key === line.price_key && end === line.period_end;
        const credit = creditOf(line, from, to.start, placeOf(number), step);
        const fitting = charges.filter(
          (one) => one.start === credit.start && one.end === credit.end && one.amount.plus(credit.amount).isZero,
        );
        const charge = fitting.find(({ price }) => price === line.price_key) ?? fitting[0];
        if (known.some(isCredited) || charge === undefined) continue;
        charges.splice(charges.indexOf(charge), 1);
        made.push(...handOverLines(line, credit, charge, step));
      }
    }
    return made;
  }

  /** Lines of one billing period are discounted together; an amount off is for a billing period, less what others took of it. */
  private discounted(lines: readonly ExpectedLine[], invoice: RawInvoice, round: DiscountRound): ExpectedLine[] {
    const billed = new Map<ExpectedLine, ExpectedLine>();
    for (const billing of [...new Set(lines.map((line) => line.billing))].sort((a, b) => a - b)) {
      const together = lines.filter((line) => line.billing === billing);
      const discounts = this.discountsOf(invoice, billing, round).filter((discount) => isOfLines(discount) === round.ofLine);
      let after = together;
      for (const discount of [...discounts.filter(isPercentage), ...discounts.filter((other) => !isPercentage(other))]) {
        const before = Fraction.sum(after.map((line) => line.discount));
        after = discountedBy([discount], after, round.ofLine, round.step) as ExpectedLine[];
        const amount = Fraction.sum(after.map((line) => line.discount)).minus(before);
        round.uses.push({ key: discount.key, billing, amount });
      }
      together.forEach((line, index) => billed.set(line, after[index] ?? line));
    }
    return lines.map((line) => billed.get(line) ?? line);
  }

  private discountsOf(invoice: RawInvoice, billing: number, { others, uses }: DiscountRound): CaseDiscount[] {
    const { subscription_id: id, currency } = invoice;
    const own = this.contract.segments.filter(({ subscriptionId }) => subscriptionId === id);
    const known = (this.contract.discounts.get(id) ?? []).filter(({ amountOff }) => amountOff === null || amountOff.currency === currency);
    return known.map(({ key, percentOff, amountOff, prices, addOns, appliesTo = 'ALL', carriesOn = false, from, until }) => {
      const named = new Set(
        own
          .flatMap(({ terms }) => terms.prices.map((price) => price.key))
          .filter((price) => addOns?.some((addOn) => price.startsWith(`${addOn}/`))),
      );
      const scope = prices === null && (addOns ?? []).length === 0 ? null : [...(prices ?? []), ...named];
      const base = { key, percentOff, prices: scope, appliesTo, from, until: carriesOn ? null : until };
      if (amountOff === null) return { ...base, amountOff: null };
      const whole = Fraction.read(amountOff.amount);
      if (!carriesOn) return { ...base, amountOff: leftInPeriod(whole, key, billing, [...others.ofPeriod, ...uses]).toString() };
      const periods = this.contract.periods.filter(
        (period) =>
          period.segment.subscriptionId === id && !isFree(period) && period.start >= from && (until === null || period.start < until),
      );
      const begun = [...new Set(periods.map(({ fullStart }) => fullStart))];
      return { ...base, amountOff: leftByThen({ whole, begun }, key, billing, [...others.carried, ...uses]).toString() };
    });
  }
}

/** How usage is rated. */
interface RatingOf {
  readonly step: Fraction;
  /** Of a period that still runs; null: it is closed. */
  readonly runningAt: number | null;
  readonly asBilled: readonly ExpectedLine[];
}

/** A COST_PLUS charge with usage whose cost nobody knows; its line is of nothing. */
interface AwaitedCharge {
  readonly part: JoinedPart;
  readonly price: RawPrice;
  readonly line: ExpectedLine;
}

interface DiscountRound {
  readonly others: OtherUses;
  /** What was taken so far, and here. */
  readonly uses: DiscountUse[];
  readonly ofLine: boolean;
  readonly step: Fraction;
}

export const incrementOf = (currency: string): Fraction => INCREMENTS[currency] ?? Fraction.of(1, 100);

const placeOf = (number: string): number => Number(/\d+$/.exec(number)?.[0] ?? Number.NaN);

const casePeriod = ({ start, end, fullStart, fullEnd }: RawPeriod): CasePeriod => ({ start, end, fullStart, fullEnd });

const isWhole = ({ start, end, fullStart, fullEnd }: CasePeriod): boolean => start === fullStart && end === fullEnd;

const isPercentage = ({ percentOff }: CaseDiscount): boolean => percentOff !== null;

const netOfLine = ({ amount, lineDiscount }: ExpectedLine): Fraction => amount.minus(lineDiscount);

/** It had begun and was not closed. */
const isOpenAt = ({ start, fullEnd, billedAt }: RawPeriod, at: number): boolean =>
  start < at && at < fullEnd && (billedAt === null || billedAt > at);

function isSameCharge(candidate: RawLine, line: ExpectedLine): boolean {
  return (
    candidate.segment_id === line.segment &&
    candidate.price_key === line.price &&
    candidate.price_group === line.group &&
    candidate.period_start === line.start
  );
}

const eventsIn = (part: JoinedPart, events: readonly RawEvent[]): RawEvent[] =>
  events.filter((event) => part.pieces.some(({ start, end }) => start <= event.at && event.at < end));

const isOf = ({ segment, price, group, start }: ExpectedLine, part: JoinedPart, { key }: RawPrice, of: string | null): boolean =>
  segment === part.pieces[0].segment.id && price === key && group === of && start === part.period.start;

const isUnpriced = ({ cost_state: state }: RawEvent): boolean => state === 'UNPRICED' || state === 'PENDING';

const hasLongCommitment = (periods: readonly RawPeriod[]): boolean =>
  periods.some(({ segment: { terms } }) => terms.minimumCommitment !== null && (terms.commitmentIntervals ?? 1) !== 1);

/** What late usage took more is taken of what is carried now, the oldest first; what it took less comes back. */
function afterLate(lots: readonly Lot[], more: Fraction, expiresAt: number | null): readonly Lot[] {
  if (more.isZero) return lots;
  return more.isPositive ? withoutOldest(lots, more) : [{ quantity: more.negated(), expiresAt }, ...lots];
}

function missingLine(segment: RawSegment, period: CasePeriod, missing: Fraction, step: Fraction): ExpectedLine {
  const quantity = missing.isZero ? Fraction.ZERO : Fraction.ONE;
  return expected('COMMITMENT', segment, null, null, period, quantity, missing, missing.rounded(step));
}

/** Parts of one billing period under one version whose usage is charged alike are one; time between them that is not served lies at its end. */
function joined(periods: readonly RawPeriod[]): JoinedPart[] {
  const parts: JoinedPart[] = [];
  for (const period of periods) {
    const last = parts.at(-1);
    if (last === undefined || !isJoined(last.pieces[0], period)) {
      parts.push({ pieces: [period], seats: period.segment.seats, period: casePeriod(period) });
      continue;
    }
    const served = last.period.end - last.period.start + period.end - period.start;
    parts[parts.length - 1] = {
      pieces: [...last.pieces, period],
      seats: Math.max(last.seats, period.segment.seats),
      period: { ...last.period, end: last.period.start + served },
    };
  }
  return parts;
}

/** A fee after a pause inside of a billing period that was charged before: the credits that were bought for it are still there. */
function isResumed(period: RawPeriod, own: readonly RawPeriod[]): boolean {
  const isPaused = own.some(({ segment, end }) => segment.paused && end === period.start);
  return isPaused && own.some((other) => !isFree(other) && other.fullStart === period.fullStart && other.end < period.start);
}

function isJoined(a: RawPeriod, b: RawPeriod): boolean {
  const usageSide = ({ terms }: RawSegment): string =>
    JSON.stringify({ ...terms, prices: terms.prices.filter(({ model }) => model !== 'FLAT') });
  return (
    a.fullStart === b.fullStart &&
    a.fullEnd === b.fullEnd &&
    a.segment.planVersionId === b.segment.planVersionId &&
    usageSide(a.segment) === usageSide(b.segment)
  );
}

function validIn({ validFrom, validUntil }: RawPrice, period: CasePeriod): CasePeriod | null {
  const start = Math.max(period.start, instantOf(validFrom) ?? period.start);
  const end = Math.min(period.end, instantOf(validUntil) ?? period.end);
  return start < end ? { ...period, start, end } : null;
}

function instantOf(value: number | null | undefined): number | null {
  return value ?? null;
}

function costIn({ cost, cost_currency: currency }: RawEvent, wanted: string): Fraction {
  const amount = Fraction.read(cost);
  if (!amount.isZero && currency !== null && currency !== wanted) throw new NotCovered('costs in another currency');
  return amount;
}

function casePrice({ key, model, perSeat, prorateIncluded, amount, timing }: RawPrice): CasePrice {
  return {
    ...EMPTY,
    key,
    model,
    perSeat,
    prorateIncluded: prorateIncluded === true,
    ...(amount === undefined ? {} : { amount }),
    ...(timing === undefined ? {} : { timing }),
  };
}

/** Stored terms say null where a case says nothing. */
function stated<Amounts extends object>(amounts: Amounts): Amounts {
  return Object.fromEntries(
    Object.entries(amounts)
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, name === 'tiers' ? (value as object[]).map(stated) : (value as unknown)]),
  ) as Amounts;
}

function feeLines(
  kind: string,
  segment: RawSegment,
  timing: 'IN_ADVANCE' | 'IN_ARREARS',
  period: CasePeriod,
  step: Fraction,
): ExpectedLine[] {
  return segment.terms.prices
    .filter((price) => price.model === 'FLAT' && (price.timing ?? 'IN_ADVANCE') === timing)
    .flatMap((price) => {
      const valid = validIn(price, period);
      if (valid === null) return [];
      const seats = Fraction.of(segment.seats);
      const whole = feeOf(casePrice(price), seats);
      const line = expected(
        kind,
        segment,
        price.key,
        null,
        valid,
        price.perSeat ? seats : Fraction.ONE,
        partOf(whole, valid),
        whole.times(shareOf(valid)).rounded(step),
      );
      return [{ ...line, isFee: true }];
    });
}

const shareOf = ({ start, end, fullStart, fullEnd }: CasePeriod): Fraction => Fraction.of(end - start, fullEnd - fullStart);

function isUnusedFee(
  { kind, segment_id: id, price_key: key, period_end: end }: RawLine,
  { id: from, terms }: RawSegment,
  at: number,
): boolean {
  const price = terms.prices.find((candidate) => candidate.key === key);
  return id === from && ['FEE', 'CREDITS', 'PRORATION_CHARGE'].includes(kind) && price?.timing !== 'IN_ARREARS' && end > at;
}

/** What a commitment counts of a line that was billed. */
const countedBefore = ({ amount, line_discount: discount, committed }: RawLine): Fraction =>
  committed === null ? Fraction.read(amount).minus(Fraction.read(discount)) : Fraction.read(committed);

const grantsCredits = ({ kind, price_key: key, credits }: RawLine): boolean =>
  key === null && ['CREDITS', 'PRORATION_CHARGE'].includes(kind) && Fraction.read(credits).isPositive;

/** Credits stay as they were billed until a change adds some: those that were billed last for the time. */
function lastCredits(lines: readonly RawLine[], at: number): RawLine[] {
  const running = lines.filter((line) => grantsCredits(line) && line.period_start < at && line.period_end > at);
  const last = Math.max(...running.map((line) => line.period_start));
  return running.filter((line) => line.period_start === last);
}

/** Everything of a billed fee in proportion to the time that is left of its period. */
function creditOf(line: RawLine, from: RawPeriod, at: number, place: number, step: Fraction): ExpectedLine {
  const start = Math.max(at, line.period_start);
  const left = Fraction.of(line.period_end - start, line.period_end - line.period_start);
  const back = (text: string): Fraction => Fraction.read(text).times(left).rounded(step).negated();
  const exact = Fraction.read(line.amount)
    .times(left)
    .rounded(Fraction.of(1n, 10n ** 12n))
    .negated();
  const period = { start, end: line.period_end, fullStart: from.fullStart, fullEnd: from.fullEnd };
  const credit = expected(
    'PRORATION_CREDIT',
    from.segment,
    line.price_key,
    null,
    period,
    Fraction.read(line.quantity),
    exact,
    back(line.amount),
  );
  // What a credit note took of it, it does not give back once more.
  const noted = line.credit_notes.filter((note) => note.place <= place).map(({ amount }) => ({ amount, ofLine: false }));
  const shares = [...line.shares, ...noted].map(({ amount, ofLine }) => ({ amount: back(amount), ofLine }));
  const keyed = line.shares.map(({ key, amount }) => ({ key, amount: back(amount) }));
  return {
    ...credit,
    credits:
      line.price_key === null
        ? Fraction.read(line.credits)
            .times(left)
            .rounded(Fraction.of(1n, 10n ** 12n))
            .negated()
        : Fraction.ZERO,
    discount: Fraction.sum(shares.map(({ amount }) => amount)),
    lineDiscount: Fraction.sum(shares.filter(({ ofLine }) => ofLine).map(({ amount }) => amount)),
    shares: keyed,
  };
}

/** The rest of a fee, taken from one segment and given to another: of all that is less of it, the same part. */
function handOverLines(line: RawLine, credit: ExpectedLine, charge: ExpectedLine, step: Fraction): RawLine[] {
  const rest = Fraction.of(credit.end - credit.start, line.period_end - line.period_start);
  const part = (text: string): Fraction => Fraction.read(text).times(rest).rounded(step);
  const same = { ...line, id: '', invoice_id: '', period_start: credit.start, period_end: credit.end };
  const given = (kind: string, sign: Fraction): Partial<RawLine> => {
    const signed = (text: string): string => part(text).times(sign).toString();
    return {
      kind,
      amount: signed(line.amount),
      discount: signed(line.discount),
      line_discount: Fraction.sum(line.shares.filter(({ ofLine }) => ofLine).map(({ amount }) => part(amount)))
        .times(sign)
        .toString(),
      shares: line.shares.map((share) => ({ ...share, amount: signed(share.amount) })),
      credit_notes: line.credit_notes.map(({ place, amount }) => ({ place, amount: signed(amount) })),
    };
  };
  return [
    { ...same, ...given('PRORATION_CREDIT', Fraction.ONE.negated()) },
    {
      ...same,
      ...given(charge.kind, Fraction.ONE),
      segment_id: charge.segment,
      price_key: charge.price,
      quantity: charge.quantity.toString(),
    },
  ];
}

/** The charge for a fee that did not change is its credit, turned round. */
function mirrored(
  charge: ExpectedLine,
  credits: readonly { readonly line: RawLine; readonly credit: ExpectedLine }[],
  from: RawSegment,
  to: RawSegment | undefined,
): ExpectedLine {
  const same = credits.filter(
    ({ line, credit }) => line.price_key === charge.price && credit.start === charge.start && credit.end === charge.end,
  );
  const feeIn = (segment: RawSegment | undefined): string | null => {
    const price = segment?.terms.prices.find(({ key, model }) => key === charge.price && model === 'FLAT');
    return price === undefined || segment === undefined ? null : feeOf(casePrice(price), Fraction.of(segment.seats)).toString();
  };
  const [only] = same;
  if (only === undefined || same.length > 1 || charge.price === null || feeIn(from) === null || feeIn(from) !== feeIn(to)) return charge;
  const { credit } = only;
  return {
    ...charge,
    isMirrored: true,
    exact: credit.exact.negated(),
    amount: credit.amount.negated(),
    discount: credit.discount.negated(),
    lineDiscount: credit.lineDiscount.negated(),
    shares: (credit.shares ?? []).map(({ key, amount }) => ({ key, amount: amount.negated() })),
  };
}

function expected(
  kind: string,
  segment: RawSegment,
  price: string | null,
  group: string | null,
  { start, end, fullStart: billing }: CasePeriod,
  quantity: Fraction,
  exact: Fraction,
  amount: Fraction,
): ExpectedLine {
  return {
    kind,
    name: kind,
    segment: segment.id,
    price,
    group,
    isFee: false,
    start,
    end,
    billing,
    quantity,
    exact,
    amount,
    discount: Fraction.ZERO,
    lineDiscount: Fraction.ZERO,
    credits: Fraction.ZERO,
    adjusts: null,
    adjustsKind: null,
  };
}
