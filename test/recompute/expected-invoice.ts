import type { TenantTransaction } from '@tare/database';
import type { CaseDiscount, CasePeriod, CasePrice } from '../oracle/bill-case.ts';
import { discountedBy, type OracleLine } from '../oracle/bill-oracle.ts';
import { exactCharge, feeOf, partOf, type Used } from '../oracle/charge-oracle.ts';
import { Fraction, greatest } from '../oracle/fraction.ts';
import { isFree, type RawContract, type RawPeriod, type RawPrice, type RawSegment } from './raw-contract.ts';
import { isCounted, numberOf, quantityOf, readEvents, subscriptionOf, textOf, type RawEvent } from './raw-usage.ts';

/** An invoice as its row says. */
export interface RawInvoice {
  readonly id: string;
  readonly number: string;
  readonly kind: string;
  readonly subscription_id: string;
  readonly billing_at: number;
  readonly currency: string;
  readonly seen_seq: number;
}

/** A line as its row says. */
export interface RawLine {
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
  readonly period_start: number;
  readonly period_end: number;
  readonly adjusts: string | null;
  readonly adjusts_kind: string | null;
  readonly credits: string;
  readonly shares: readonly { readonly key: string; readonly amount: string; readonly ofLine: boolean }[];
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

const EMPTY = { prorateIncluded: false, rollover: false, groups: [] };
/** SEMANTICS 1.5; two decimals are the rule. */
const INCREMENTS: Readonly<Record<string, Fraction>> = {
  JPY: Fraction.ONE,
  KRW: Fraction.ONE,
  IQD: Fraction.of(1, 1_000),
  LYD: Fraction.of(1, 1_000),
};
const ADVANCE = new Set(['FEE', 'CREDITS', 'PRORATION_CHARGE', 'PRORATION_CREDIT']);

/** Recomputes invoices of one customer from raw events: nothing that core computes with is used, and no bucket is read. */
export class ExpectedInvoices {
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
    for (const { segment } of own) requireCovered(segment);
    const closed = invoice.kind === 'SUPPLEMENTARY' ? [] : own.filter(({ billedAt }) => billedAt === invoice.billing_at);
    const fees = invoice.kind === 'SUPPLEMENTARY' ? [] : this.feesAt(invoice, own);
    const scope = await this.scope(invoice, closed, fees, invoice);
    return [...scope, ...(await this.corrections(invoice, own))];
  }

  /** Usage and arrears of the parts, their true-ups, fees; discounts before and after the true-ups (SEMANTICS 8.1). */
  private async scope(
    invoice: RawInvoice,
    closed: readonly RawPeriod[],
    fees: readonly ExpectedLine[],
    asOf: RawInvoice,
  ): Promise<ExpectedLine[]> {
    const step = incrementOf(invoice.currency);
    const parts = joined(closed.filter((period) => !isFree(period)));
    const events = await this.eventsOf(invoice, closed, asOf.seen_seq);
    const usage = parts.flatMap((part) => this.usageLines(part, parts, events, asOf, step));
    const given = fees.filter(({ kind, discount }) => kind === 'PRORATION_CREDIT' || !discount.isZero);
    const open = [...usage, ...fees.filter((line) => !given.includes(line))];
    const charged = this.discounted(open, invoice, given, true, step);
    const ofUsage = charged.slice(0, usage.length);
    const trueUps = parts.flatMap((part) => this.trueUp(part, ofUsage, invoice, step));
    const all = this.discounted([...ofUsage, ...trueUps, ...charged.slice(usage.length)], invoice, given, false, step);
    return [...all, ...given];
  }

  private async eventsOf(invoice: RawInvoice, closed: readonly RawPeriod[], seq: number): Promise<RawEvent[]> {
    if (closed.length === 0) return [];
    const [from, to] = [Math.min(...closed.map(({ start }) => start)), Math.max(...closed.map(({ end }) => end))];
    const events = await readEvents(this.tx, this.contract.customerNo, from, to, seq);
    return events.filter((event) => subscriptionOf(event, this.contract) === invoice.subscription_id);
  }

  private usageLines(
    part: JoinedPart,
    parts: readonly JoinedPart[],
    events: readonly RawEvent[],
    asOf: RawInvoice,
    step: Fraction,
  ): ExpectedLine[] {
    const [{ segment }] = part.pieces;
    const inside = (of: JoinedPart, event: RawEvent): boolean => of.pieces.some(({ start, end }) => start <= event.at && event.at < end);
    const own = events.filter((event) => inside(part, event));
    const earlier = parts.filter((other) => other.period.fullStart === part.period.fullStart && other.period.start < part.period.start);
    const before = events.filter((event) => earlier.some((other) => inside(other, event)));
    const usage = segment.terms.prices.flatMap((price) => (price.model === 'FLAT' ? [] : this.priceLines(price, part, own, before, step)));
    const arrears = part.pieces.flatMap((piece) => feeLines('FEE', piece.segment, 'IN_ARREARS', casePeriod(piece), step));
    return [...usage, ...this.overage(part, asOf, step), ...arrears];
  }

  private priceLines(
    price: RawPrice,
    part: JoinedPart,
    own: readonly RawEvent[],
    before: readonly RawEvent[],
    step: Fraction,
  ): ExpectedLine[] {
    const meter = this.contract.meters.get(price.meter ?? '');
    const period = validIn(price, part.period);
    if (meter === undefined || period === null) return [];
    const groups = price.groups ?? [];
    const groupOf = (event: RawEvent): number =>
      groups.findIndex((group) => group.in.includes(textOf(event, price.groupBy ?? '') ?? '\u0000'));
    const counted = (events: readonly RawEvent[], index: number): RawEvent[] =>
      events.filter((event) => isCounted(event, meter, price.match) && groupOf(event) === index);
    return [...groups.entries(), [-1, price] as const].flatMap(([index, amounts]) => {
      const valid = own.filter(({ at }) => (price.validFrom ?? at) <= at && at < (price.validUntil ?? at + 1));
      const events = counted(valid, index);
      if (price.model === 'COST_PLUS' && events.some(({ cost_state: state }) => state === 'UNPRICED' || state === 'PENDING')) return [];
      const property = price.model === 'PERCENTAGE' ? (price.valueProperty ?? null) : null;
      const quantity =
        property === null
          ? quantityOf(meter, events, counted(before, index))
          : Fraction.sum(events.map((event) => numberOf(event, property) ?? Fraction.ZERO));
      const cost = Fraction.sum(events.map((event) => costIn(event, part.pieces[0].segment.terms.currency)));
      const used: Used = { quantity, events: Fraction.of(events.length), cost, carried: Fraction.ZERO };
      const exact = exactCharge({ ...EMPTY, ...casePrice(price) }, stated(amounts), used, part.seats, period);
      const group = index < 0 ? null : (groups[index]?.in.join(', ') ?? null);
      return [expected('USAGE', part.pieces[0].segment, price.key, group, part.period, quantity, exact, exact.rounded(step))];
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
    return [expected('OVERAGE', segment, null, null, part.period, quantity, exact, exact.rounded(step))];
  }

  private trueUp(part: JoinedPart, lines: readonly ExpectedLine[], invoice: RawInvoice, step: Fraction): ExpectedLine[] {
    const [{ segment }] = part.pieces;
    if (segment.terms.minimumCommitment === null) return [];
    const ids = new Set(part.pieces.map((piece) => piece.segment.id));
    const isOwn = (id: string, start: number): boolean => ids.has(id) && start >= part.period.start && start < part.period.end;
    const usage = lines.filter((line) => isOwn(line.segment, line.start)).map(({ amount, lineDiscount }) => amount.minus(lineDiscount));
    const fees = this.before(invoice)
      .flatMap(({ lines: billed }) => billed)
      .filter(
        (line) =>
          ids.has(line.segment_id) &&
          this.isAdvance(line) &&
          line.period_start >= part.period.fullStart &&
          line.period_start < part.period.fullEnd,
      );
    const paid = Fraction.sum(fees.map((line) => Fraction.read(line.amount).minus(Fraction.read(line.line_discount))));
    const committed = partOf(Fraction.read(segment.terms.minimumCommitment), part.period);
    const missing = greatest(Fraction.ZERO, committed.minus(paid).minus(Fraction.sum(usage)));
    const quantity = missing.isZero ? Fraction.ZERO : Fraction.ONE;
    return [expected('COMMITMENT', segment, null, null, part.period, quantity, missing, missing.rounded(step))];
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
    const isChange = from !== undefined && !isFree(from) && from.end !== from.fullEnd && (to !== undefined || from.segment.creditsUnused);
    if (!isChange)
      return opens.filter((period) => !isFree(period)).flatMap((period) => advance(period, !isResumed(period, own), (kind) => kind, step));
    const charges = to === undefined || isFree(to) ? [] : advance(to, true, (kind, of) => (isWhole(of) ? kind : 'PRORATION_CHARGE'), step);
    const credits = this.before(invoice).flatMap(({ lines }) => lines.filter((line) => isUnused(line, from.segment, invoice.billing_at)));
    const given = credits.map((line) => ({ line, credit: creditOf(line, from, invoice.billing_at, step) }));
    const lines = [...given.map(({ credit }) => credit), ...charges.map((charge) => mirrored(charge, given, from.segment, to?.segment))];
    const added = Fraction.sum(lines.map((line) => line.credits));
    // Credits that were bought stay in the wallet: they are taken back only against more of the new plan's.
    return to !== undefined && !isFree(to) && added.isPositive
      ? lines
      : lines.filter(({ kind, credits }) => kind === 'CREDITS' || credits.isZero);
  }

  /** Closed periods, rated again with what was seen now, less what was billed for them (SEMANTICS 8.3). */
  private async corrections(invoice: RawInvoice, own: readonly RawPeriod[]): Promise<ExpectedLine[]> {
    const earlier = own.filter(
      ({ billedAt }) =>
        billedAt !== null && (billedAt < invoice.billing_at || (invoice.kind === 'SUPPLEMENTARY' && billedAt === invoice.billing_at)),
    );
    const deltas: ExpectedLine[] = [];
    for (const billedAt of new Set(earlier.map((period) => period.billedAt))) {
      const periods = earlier.filter((period) => period.billedAt === billedAt);
      const adjusts = periods[0]?.invoiceId ?? periods[0]?.id ?? '';
      const original = this.issued.find((other) => other.invoice.id === adjusts)?.invoice ?? { ...invoice, billing_at: billedAt ?? 0 };
      const due = await this.scope(original, periods, [], invoice);
      deltas.push(...due.flatMap((line) => this.delta(line, adjusts, invoice)));
    }
    return deltas;
  }

  private delta(line: ExpectedLine, adjusts: string, invoice: RawInvoice): ExpectedLine[] {
    const billed = this.before(invoice).flatMap(({ invoice: other, lines }) =>
      lines.filter(
        (candidate) =>
          (candidate.kind === 'DELTA'
            ? candidate.adjusts === adjusts && candidate.adjusts_kind === line.kind
            : other.id === adjusts && candidate.kind === line.kind) &&
          candidate.segment_id === line.segment &&
          candidate.price_key === line.price &&
          candidate.price_group === line.group &&
          candidate.period_start === line.start,
      ),
    );
    const already = Fraction.sum(billed.map(({ amount, discount }) => Fraction.read(amount).minus(Fraction.read(discount))));
    const amount = line.amount.minus(line.discount).minus(already);
    if (amount.isZero) return [];
    return [
      {
        ...line,
        kind: 'DELTA',
        adjustsKind: line.kind,
        exact: amount,
        amount,
        discount: Fraction.ZERO,
        lineDiscount: Fraction.ZERO,
        adjusts,
      },
    ];
  }

  /** Standing invoices of the subscription that were finalized before. */
  private before({ number, subscription_id: subscription }: RawInvoice): ExpectedInvoices['issued'] {
    return this.issued.filter(({ invoice }) => invoice.subscription_id === subscription && placeOf(invoice.number) < placeOf(number));
  }

  /** Lines of one billing period are discounted together; an amount off is for a billing period, less what earlier invoices took of it. */
  private discounted(
    lines: readonly ExpectedLine[],
    invoice: RawInvoice,
    given: readonly ExpectedLine[],
    ofLine: boolean,
    step: Fraction,
  ): ExpectedLine[] {
    const billed = new Map<ExpectedLine, ExpectedLine>();
    for (const billing of new Set(lines.map((line) => line.billing))) {
      const together = lines.filter((line) => line.billing === billing);
      const discounts = this.discountsOf(invoice, billing, given).filter((discount) => isOfLines(discount) === ofLine);
      const after = discountedBy(discounts, together, ofLine, step) as ExpectedLine[];
      together.forEach((line, index) => billed.set(line, after[index] ?? line));
    }
    return lines.map((line) => billed.get(line) ?? line);
  }

  private discountsOf(invoice: RawInvoice, billing: number, given: readonly ExpectedLine[]): CaseDiscount[] {
    const { subscription_id: id, currency } = invoice;
    const own = this.contract.segments.filter(({ subscriptionId }) => subscriptionId === id);
    const known = (this.contract.discounts.get(id) ?? []).filter(({ amountOff }) => amountOff === null || amountOff.currency === currency);
    return known.map(({ key, percentOff, amountOff, prices, addOns, appliesTo = 'ALL', carriesOn, from, until }) => {
      if (carriesOn === true) throw new NotCovered('amounts off whose rest is carried on');
      if (appliesTo !== 'ALL' && own.some(({ terms }) => terms.creditsPerInterval !== null)) throw new NotCovered('discounts of credits');
      if (amountOff !== null && given.some(({ discount }) => !discount.isZero))
        throw new NotCovered('amounts off that a change gives back');
      const named = new Set(
        own
          .flatMap(({ terms }) => terms.prices.map((price) => price.key))
          .filter((price) => addOns?.some((addOn) => price.startsWith(`${addOn}/`))),
      );
      const scope = prices === null && (addOns ?? []).length === 0 ? null : [...(prices ?? []), ...named];
      const left =
        amountOff === null
          ? null
          : Fraction.read(amountOff.amount)
              .minus(this.takenBefore(invoice, key, billing))
              .toString();
      return { key, percentOff, amountOff: left, prices: scope, appliesTo, from, until };
    });
  }

  /** What earlier invoices took of a discount for a billing period. */
  private takenBefore(invoice: RawInvoice, key: string, billing: number): Fraction {
    const isInside = ({ segment_id: id, period_start: start }: RawLine): boolean =>
      this.contract.periods.some(
        (period) => period.segment.id === id && period.fullStart === billing && period.fullStart <= start && start < period.fullEnd,
      );
    const lines = this.before(invoice).flatMap((other) => other.lines.filter(isInside));
    return Fraction.sum(
      lines.flatMap(({ shares }) => shares.filter((share) => share.key === key).map(({ amount }) => Fraction.read(amount))),
    );
  }
}

export const incrementOf = (currency: string): Fraction => INCREMENTS[currency] ?? Fraction.of(1, 100);

const isOfLines = ({ prices }: CaseDiscount): boolean => prices !== null;

const placeOf = (number: string): number => Number(/\d+$/.exec(number)?.[0] ?? Number.NaN);

const casePeriod = ({ start, end, fullStart, fullEnd }: RawPeriod): CasePeriod => ({ start, end, fullStart, fullEnd });

const isWhole = ({ start, end, fullStart, fullEnd }: CasePeriod): boolean => start === fullStart && end === fullEnd;

function requireCovered({ terms }: RawSegment): void {
  for (const { rollover, everyIntervals = 1 } of terms.prices) {
    if (rollover === true) throw new NotCovered('allowances that roll over');
    if (everyIntervals !== 1) throw new NotCovered('fees for several billing periods');
  }
  if ((terms.commitmentIntervals ?? 1) !== 1) throw new NotCovered('commitments over several billing periods');
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

/** What begins with the period: fixed fees in advance and the plan's credits, each for the rest of its billing period. */
function advance(period: RawPeriod, hasCredits: boolean, kindOf: (kind: string, of: CasePeriod) => string, step: Fraction): ExpectedLine[] {
  const rest: CasePeriod = { ...casePeriod(period), end: period.fullEnd };
  const { segment } = period;
  const fees = feeLines('FEE', segment, 'IN_ADVANCE', rest, step).map((line) => {
    const of = { start: line.start, end: line.end, fullStart: rest.fullStart, fullEnd: rest.fullEnd };
    return { ...line, kind: kindOf('FEE', of) };
  });
  const { creditsPerInterval, creditPrice } = segment.terms;
  if (!hasCredits || creditsPerInterval === null || Fraction.read(creditsPerInterval).isZero) return fees;
  const whole = Fraction.read(creditsPerInterval).times(Fraction.read(creditPrice ?? '0'));
  const amount = whole.times(shareOf(rest)).rounded(step);
  const quantity = partOf(Fraction.read(creditsPerInterval), rest);
  const line = expected(kindOf('CREDITS', rest), segment, null, null, rest, quantity, partOf(whole, rest), amount);
  return [...fees, { ...line, credits: quantity }];
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

function isUnused(
  { kind, segment_id: id, price_key: key, period_end: end }: RawLine,
  { id: from, terms }: RawSegment,
  at: number,
): boolean {
  const price = terms.prices.find((candidate) => candidate.key === key);
  return id === from && ['FEE', 'CREDITS', 'PRORATION_CHARGE'].includes(kind) && price?.timing !== 'IN_ARREARS' && end > at;
}

/** Everything of a billed fee in proportion to the time that is left of its period. */
function creditOf(line: RawLine, from: RawPeriod, at: number, step: Fraction): ExpectedLine {
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
  const shares = line.shares.map(({ amount, ofLine }) => ({ amount: back(amount), ofLine }));
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
  };
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
    exact: credit.exact.negated(),
    amount: credit.amount.negated(),
    discount: credit.discount.negated(),
    lineDiscount: credit.lineDiscount.negated(),
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
