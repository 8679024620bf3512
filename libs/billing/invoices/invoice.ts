import { currencyOf, Decimal, scopeKeyOf } from '@tare/core';
import type {
  AssembledInvoice,
  AssembledLine,
  DiscountShare,
  GrantToIssue,
  Instant,
  LineKind,
  Period,
  RoundingStep,
  WalkStep,
} from '@tare/core';

export type InvoiceKind = 'REGULAR' | 'PRORATION' | 'THRESHOLD' | 'PREPAID' | 'SUPPLEMENTARY';
export type InvoiceStatus = 'DRAFT' | 'FINALIZED' | 'PAID' | 'VOID' | 'UNCOLLECTIBLE';

/** An invoice without its lines. Amounts in major units of `currency`. */
export interface Invoice {
  readonly id: string;
  /** TARE-000001, from finalization on; gapless per tenant. */
  readonly number: string | null;
  readonly kind: InvoiceKind;
  /** The invoice that a SUPPLEMENTARY one corrects. */
  readonly adjusts: string | null;
  readonly customerId: string;
  readonly subscriptionId: string | null;
  /** The billing instant. */
  readonly billingAt: Instant;
  readonly sequence: number;
  readonly status: InvoiceStatus;
  /** ISO 4217. */
  readonly currency: string;
  readonly periodStart: Instant;
  readonly periodEnd: Instant;
  readonly subtotal: Decimal;
  readonly discounts: Decimal;
  readonly creditsApplied: Decimal;
  readonly tax: Decimal;
  /** subtotal - discounts - creditsApplied + tax - balanceApplied + balanceCarried (SEMANTICS 8.1, 8.6). */
  readonly total: Decimal;
  /** The last commit of usage that it has seen. */
  readonly seenSeq: number | null;
  /** How many exchange rates had been recorded: it is assembled again with those. */
  readonly seenRates: number | null;
  readonly draftedAt: Instant;
  readonly finalizeAt: Instant;
  /** Billing time: the `asOf` of the run that finalized it. */
  readonly finalizedAt: Instant | null;
  readonly paidAt: Instant | null;
  readonly voidedAt: Instant | null;
  /** Place in the series that the next invoice had when it was voided: those from there on do not find it any more. */
  readonly voidedPlace: number | null;
  /** The voided invoice whose periods it bills again. */
  readonly replaces: string | null;
  readonly createdAt: Instant;
  readonly detail: InvoiceDetail;
}

/** What the lines do not say. */
export interface InvoiceDetail {
  /** By name; those of an issued invoice are read back, never worked out again. */
  readonly taxes: AssembledInvoice['taxes'];
  readonly taxBase: Decimal;
  readonly creditsTaxed: AssembledInvoice['creditsTaxed'];
  readonly untaxedBurns: Decimal;
  readonly balanceApplied: Decimal;
  readonly balanceCarried: Decimal;
  /** Credits that come when it is paid. */
  readonly grantsWhenPaid: readonly GrantToIssue[];
  /** What an amountOff discount took, by start of the billing period. */
  readonly discountUses: AssembledInvoice['discountUses'];
  readonly awaitingCost: AssembledInvoice['awaitingCost'];
  readonly leakage: AssembledInvoice['leakage'];
}

/** A line as it is kept; every line can be explained from it (SEMANTICS 8.4). */
export interface InvoiceLine {
  readonly id: string;
  readonly invoiceId: string;
  readonly position: number;
  readonly scopeKey: string;
  readonly kind: LineKind;
  readonly description: string;
  readonly priceKey: string | null;
  /** The group of the price that it bills; null: usage in none, or a price without groups. */
  readonly group: string | null;
  readonly planVersionId: string;
  readonly segmentId: string;
  readonly subscriptionId: string;
  readonly quantity: Decimal;
  readonly exactAmount: Decimal;
  /** Rounded once, before discounts. */
  readonly amount: Decimal;
  readonly discount: Decimal;
  readonly lineDiscount: Decimal;
  readonly discounts: readonly DiscountShare[];
  readonly period: Period;
  readonly walk: readonly WalkStep[];
  readonly rounding: RoundingStep;
  /** Of a DELTA: the invoice that it corrects, or the closed period where that had none. */
  readonly adjusts: string | null;
  readonly adjustsKind: LineKind | null;
  readonly credits: Decimal;
  /** Of a DELTA, what a commitment counts of it where that is not the amount. */
  readonly committed?: Decimal;
}

export interface InvoiceWithLines extends Invoice {
  readonly lines: readonly InvoiceLine[];
}

/** What is kept of a line as JSON, beside its columns. */
export type LineDetail = Pick<
  InvoiceLine,
  'walk' | 'rounding' | 'lineDiscount' | 'discounts' | 'adjustsKind' | 'credits' | 'subscriptionId' | 'committed'
>;

/** What of a line's detail can be told from its columns and its invoice: it is left out, as is what is zero, empty or null (`readLineDetail`). */
export type BesideDetail = Pick<InvoiceLine, 'quantity' | 'exactAmount' | 'amount'> & InvoiceOfLine;

/** Of the invoice that a line is on. */
export interface InvoiceOfLine {
  readonly invoiceSubscriptionId: string | null;
  readonly currency: string;
}

/** The one step of a price per unit. */
const UNITS = 'units';

/**
 * As JSON, decimals as strings. Written by hand: a run writes it for each line of each invoice. A walk of nothing but so many units at a price is the price
 * (`units`): quantity and amount are columns. A rounding to the currency's billing increment is left out.
 */
export function lineDetailOf(line: AssembledLine, { invoiceSubscriptionId, currency }: InvoiceOfLine): string {
  const { lineDiscount, discounts, adjustsKind, credits, subscriptionId, committed } = line;
  const unitPrice = unitPriceOf(line);
  let text = unitPrice === null ? `{"walk":[${line.walk.map(stepText).join(',')}]` : `{"units":"${unitPrice.toString()}"`;
  text += roundingText(line, currency);
  if (!lineDiscount.isZero()) text += `,"lineDiscount":"${lineDiscount.toString()}"`;
  if (discounts.length > 0) text += `,"discounts":${JSON.stringify(discounts)}`;
  if (adjustsKind !== null) text += `,"adjustsKind":"${adjustsKind}"`;
  if (!credits.isZero()) text += `,"credits":"${credits.toString()}"`;
  if (committed !== undefined) text += `,"committed":"${committed.toString()}"`;
  if (subscriptionId !== invoiceSubscriptionId) text += `,"subscriptionId":${JSON.stringify(subscriptionId)}`;
  return `${text}}`;
}

/** Null: the walk is another one. */
function unitPriceOf({ walk, quantity, exactAmount }: AssembledLine): Decimal | null {
  const [step] = walk;
  if (step === undefined || walk.length > 1 || step.description !== UNITS) return null;
  return step.quantity.equals(quantity) && step.amount.equals(exactAmount) ? step.unitPrice : null;
}

function roundingText({ rounding, exactAmount, amount }: AssembledLine, currency: string): string {
  const fields: string[] = [];
  if (!rounding.increment.equals(currencyOf(currency).billingIncrement)) fields.push(`"increment":"${rounding.increment.toString()}"`);
  if (!rounding.exactAmount.equals(exactAmount)) fields.push(`"exactAmount":"${rounding.exactAmount.toString()}"`);
  if (!rounding.alreadyBilled.isZero()) fields.push(`"alreadyBilled":"${rounding.alreadyBilled.toString()}"`);
  if (!rounding.rounded.equals(amount.plus(rounding.alreadyBilled))) fields.push(`"rounded":"${rounding.rounded.toString()}"`);
  return fields.length === 0 ? '' : `,"rounding":{${fields.join(',')}}`;
}

function stepText({ description, quantity, unitPrice, amount }: WalkStep): string {
  const price = unitPrice === null ? 'null' : `"${unitPrice.toString()}"`;
  return `{"description":${JSON.stringify(description)},"quantity":"${quantity.toString()}","unitPrice":${price},"amount":"${amount.toString()}"}`;
}

/** Reads what lineDetailOf wrote. */
export function readLineDetail(
  json: unknown,
  { quantity, exactAmount, amount, invoiceSubscriptionId, currency }: BesideDetail,
): LineDetail {
  const detail = json as StoredLineDetail;
  const { rounding = {} } = detail;
  const alreadyBilled = decimal(rounding.alreadyBilled ?? '0');
  const units = detail.units === undefined ? [] : [{ description: UNITS, quantity, unitPrice: decimal(detail.units), amount: exactAmount }];
  return {
    walk: detail.walk === undefined ? units : detail.walk.map(readStep),
    rounding: {
      exactAmount: rounding.exactAmount === undefined ? exactAmount : decimal(rounding.exactAmount),
      increment: rounding.increment === undefined ? currencyOf(currency).billingIncrement : decimal(rounding.increment),
      rounded: rounding.rounded === undefined ? amount.plus(alreadyBilled) : decimal(rounding.rounded),
      alreadyBilled,
    },
    lineDiscount: decimal(detail.lineDiscount ?? '0'),
    discounts: (detail.discounts ?? []).map((share) => ({ ...share, amount: decimal(share.amount) })),
    adjustsKind: detail.adjustsKind ?? null,
    credits: decimal(detail.credits ?? '0'),
    subscriptionId: detail.subscriptionId ?? invoiceSubscriptionId ?? '',
    ...(detail.committed === undefined ? {} : { committed: decimal(detail.committed) }),
  };
}

function readStep({ description, quantity, unitPrice, amount }: StoredStep): WalkStep {
  return {
    description,
    quantity: decimal(quantity),
    unitPrice: unitPrice === null ? null : decimal(unitPrice),
    amount: decimal(amount),
  };
}

/** What a line bills is named as its columns tell, except where it corrects another line, or was named otherwise. */
export function storedScopeKey({ kind, scopeKey, segmentId, priceKey, group, period }: AssembledLine): string {
  return kind !== 'DELTA' && scopeKey === scopeKeyOf(kind, segmentId, priceKey, period.start, group) ? '' : scopeKey;
}

export function readScopeKey(
  stored: string,
  { kind, segmentId, priceKey, group, period }: Pick<InvoiceLine, 'kind' | 'segmentId' | 'priceKey' | 'group' | 'period'>,
): string {
  return stored === '' ? scopeKeyOf(kind, segmentId, priceKey, period.start, group) : stored;
}

interface StoredStep {
  readonly description: string;
  readonly quantity: string;
  readonly unitPrice: string | null;
  readonly amount: string;
}

interface StoredLineDetail {
  readonly units?: string;
  readonly walk?: readonly StoredStep[];
  readonly rounding?: { readonly [Key in keyof RoundingStep]?: string };
  readonly lineDiscount?: string;
  readonly discounts?: readonly (Omit<DiscountShare, 'amount'> & { readonly amount: string })[];
  readonly adjustsKind?: LineKind | null;
  readonly credits?: string;
  readonly subscriptionId?: string;
  readonly committed?: string;
}

export function invoiceDetailOf(assembled: AssembledInvoice): InvoiceDetail {
  return {
    taxes: assembled.taxes,
    taxBase: assembled.taxBase,
    creditsTaxed: assembled.creditsTaxed,
    untaxedBurns: assembled.untaxedBurns,
    balanceApplied: assembled.balanceApplied,
    balanceCarried: assembled.balanceCarried,
    grantsWhenPaid: assembled.total.isPositive() ? assembled.grants.filter(({ grantedWhen }) => grantedWhen === 'PAID') : [],
    discountUses: assembled.discountUses,
    awaitingCost: assembled.awaitingCost,
    leakage: assembled.leakage,
  };
}

/** As JSON, without what is zero, empty or as it almost always is (`readInvoiceDetail` fills it in). */
export function invoiceDetailText(assembled: AssembledInvoice): string {
  const detail = invoiceDetailOf(assembled);
  const net = assembled.subtotal.minus(assembled.discounts);
  let text = '';
  for (const name of DETAIL_FIELDS) {
    if (!isUsual(name, detail, net)) text += `${text === '' ? '' : ','}"${name}":${JSON.stringify(detail[name])}`;
  }
  return `{${text}}`;
}

const DETAIL_FIELDS = [
  'taxes',
  'taxBase',
  'creditsTaxed',
  'untaxedBurns',
  'balanceApplied',
  'balanceCarried',
  'grantsWhenPaid',
  'discountUses',
  'awaitingCost',
  'leakage',
] as const satisfies readonly (keyof InvoiceDetail)[];

function isUsual(name: keyof InvoiceDetail, detail: InvoiceDetail, net: Decimal): boolean {
  const value = detail[name];
  if (name === 'taxBase') return detail.taxBase.equals(net);
  if (value instanceof Decimal) return value.isZero();
  return typeof value === 'string' ? value === 'AT_PURCHASE' : value.length === 0;
}

/** Reads what `invoiceDetailText` wrote. `net`: subtotal less discounts, which is the tax base where none is kept. */
export function readInvoiceDetail(json: unknown, net: Decimal): InvoiceDetail {
  const detail = json as Partial<InvoiceDetail>;
  return {
    taxes: (detail.taxes ?? []).map(({ name, percent, base, amount }) => ({
      ...{ name, percent: percent === null ? null : decimal(percent) },
      ...{ base: decimal(base), amount: decimal(amount) },
    })),
    taxBase: decimal(detail.taxBase ?? net),
    creditsTaxed: detail.creditsTaxed ?? 'AT_PURCHASE',
    untaxedBurns: decimal(detail.untaxedBurns ?? '0'),
    balanceApplied: decimal(detail.balanceApplied ?? '0'),
    balanceCarried: decimal(detail.balanceCarried ?? '0'),
    grantsWhenPaid: (detail.grantsWhenPaid ?? []).map((grant) => ({
      ...grant,
      credits: decimal(grant.credits),
      costBasis: grant.costBasis && { ...grant.costBasis, amount: decimal(grant.costBasis.amount) },
    })),
    discountUses: (detail.discountUses ?? []).map((use) => ({ ...use, amount: decimal(use.amount) })),
    awaitingCost: (detail.awaitingCost ?? []).map((awaiting) => ({ ...awaiting, events: decimal(awaiting.events) })),
    leakage: (detail.leakage ?? []).map((leak) => ({ ...leak, credits: decimal(leak.credits) })),
  };
}

/** In JSON a Decimal is its text. */
function decimal(text: Decimal | string): Decimal {
  return typeof text === 'string' ? Decimal.parse(text) : text;
}
