import { CodedError } from '../coded-error.ts';
import { Decimal, currencyOf, roundToBilling, splitByLargestRemainder, stripeAmount } from '../money/index.ts';
import { priceOfExample, readPriceExamples, type PriceExample } from '../pricing/price-examples.fixture.ts';
import { parsePrice, quotePrice, rateDelta, ratePrice } from '../pricing/index.ts';
import type { PriceInput } from '../pricing/index.ts';
import { parseInstant } from '../time/index.ts';
import { sampleSegment } from '../subscriptions/segment.fixture.ts';
import { assembleInvoice } from './assemble-invoice.ts';
import type { AssembledInvoice } from './assembled-invoice.ts';
import { feesNetOf } from './billed-facts.ts';
import { PRICES_DECIDED_DIFFERENTLY } from './examples-decided-differently.ts';
import { endedAt, feeAt, sampleDiscount, sampleFacts } from './facts.fixture.ts';

const FOUND = readPriceExamples();
const isThere = FOUND !== null;
const EXAMPLES = FOUND ?? [];
const d = (text: string): Decimal => Decimal.parse(text);

function exactOf(example: PriceExample): Decimal | null {
  const { model, params } = example;
  const isBounded = model === 'max_cap' || model === 'min_commit';
  if (isBounded && params.base === undefined) return null;
  const input = isBounded && params.base !== undefined ? priceOfExample(params.base.model, params.base) : priceOfExample(model, params);
  if (input === null || example.prorated_events !== undefined) return null;
  const bounded: PriceInput = {
    ...input,
    maximumAmount: params.max ?? null,
    ...(params.min === undefined ? {} : { minimumAmount: params.min }),
  };
  const total =
    example.buckets === undefined ? d(params.precise_total_cents ?? example.quantity ?? '0') : Decimal.sum(example.buckets.map(d));
  if (example.pre_quantity === undefined) return quotePrice(bounded, total, example.currency).amount;
  const before = d(example.pre_quantity);
  return rateDelta(parsePrice(bounded), { quantity: before }, { quantity: before.plus(total) }).amount;
}

/** A fee with discounts, or with a minimum that a commitment expresses, as a whole invoice. */
function invoiceOf(example: PriceExample): AssembledInvoice {
  const { params, currency } = example;
  const amounts = params.weights?.map(([key, amount]) => [key, amount] as const) ?? [['fee', params.base?.amount ?? '0'] as const];
  const prices = amounts.map(([key, amount]): PriceInput => ({ key, model: 'FLAT', amount }));
  const start = parseInstant(params.prorate === undefined ? '2023-02-01T00:00:00Z' : '2023-02-04T00:00:00Z');
  const segment = sampleSegment({ currency, prices, alignment: 'CALENDAR', minimumCommitment: params.min ?? null }, { start });
  const percents = (params.percents ?? []).map((percentOff, index) => sampleDiscount(`p${index}`, { percentOff: d(percentOff) }));
  const off = params.weights === undefined ? (params.amounts ?? []) : [params.amount ?? '0'];
  const fixed = off.map((amountOff, index) => sampleDiscount(`a${index}`, { amountOff: d(amountOff) }));
  const fees = assembleInvoice(
    sampleFacts({ currency, next: [feeAt(segment, '2023-02-05T00:00:00Z')], discounts: [...fixed, ...percents] }),
  );
  if (params.min === undefined) return fees;
  const feesNet = feesNetOf(fees.lines, segment, feeAt(segment, '2023-02-05T00:00:00Z').period);
  const closing = assembleInvoice(sampleFacts({ currency, ended: [endedAt(segment, '2023-02-05T00:00:00Z', { feesNet })] }));
  return params.assert === 'true_up' ? closing : { ...closing, total: closing.total.plus(fees.total) };
}

function isInvoice({ model, params }: PriceExample): boolean {
  return (
    (model === 'discount' && ['percentage', 'mixed', 'allocation_proportional'].includes(params.kind ?? '')) ||
    (model === 'min_commit' && params.base?.model === 'flat')
  );
}

function same(actual: Decimal, expected: string | null | undefined): boolean {
  return expected === null || expected === undefined || actual.equals(d(expected));
}

function holdsAsInvoice(example: PriceExample): boolean {
  const result = invoiceOf(example);
  const shares = example.params.weights === undefined ? [] : result.lines.map((line) => [line.priceKey ?? '', line.discount.toString()]);
  return (
    same(result.discounts, example.expected_discount) &&
    same(result.total, example.expected_rounded) &&
    (example.params.weights === undefined || JSON.stringify(shares) === JSON.stringify(example.expected_lines))
  );
}

/** Each phase bills round(cumulative) - billed (SEMANTICS 8.3). */
function holdsInPhases(example: PriceExample): boolean {
  const input = priceOfExample(example.model, example.params);
  if (input === null) return false;
  let billed = Decimal.ZERO;
  return (example.phases ?? []).every((phase) => {
    const { rounded } = quotePrice(input, d(phase.cumulative_quantity), example.currency);
    const delta = rounded.minus(billed);
    billed = rounded;
    return same(delta, phase.expected_delta);
  });
}

function holdsOtherwise(example: PriceExample): boolean {
  const { params, currency } = example;
  if (params.kind === 'allocation_largest_remainder') {
    const parts = splitByLargestRemainder(
      d(params.amount ?? '0'),
      (params.weights ?? []).map(([, weight]) => d(weight)),
      currencyOf(currency).billingIncrement,
    );
    return (
      JSON.stringify(parts.map(String)) ===
      JSON.stringify((example.expected_lines as readonly (readonly [string, string])[]).map(([, part]) => d(part).toString()))
    );
  }
  if (params.kind === 'usage') {
    const price = parsePrice({
      key: 'p',
      meter: 'm',
      model: 'PER_UNIT',
      unitPrice: params.base?.unit_price ?? '0',
      includedQuantity: params.free_units ?? null,
    });
    const before = d(example.pre_quantity ?? '0');
    return same(
      rateDelta(price, { quantity: before }, { quantity: before.plus(d(example.quantity ?? '0')) }).amount,
      example.expected_amount,
    );
  }
  if (example.model === 'min_commit' && params.prorate !== undefined) {
    const share = { numerator: BigInt(params.prorate.days), denominator: BigInt(params.prorate.of) };
    const price = parsePrice({
      key: 'p',
      meter: 'm',
      model: 'PER_UNIT',
      unitPrice: params.base?.unit_price ?? '0',
      minimumAmount: params.min ?? null,
    });
    const trueUp = ratePrice(price, { quantity: d(example.quantity ?? '0') }, { share }).walk.find((step) =>
      step.description.includes('minimum'),
    );
    return trueUp !== undefined && same(roundToBilling(trueUp.amount, currency), example.expected_rounded);
  }
  const exact = exactOf(example);
  if (exact === null) return false;
  const rounded = roundToBilling(exact, currency);
  return (
    same(exact, example.expected_amount) &&
    same(rounded, example.expected_rounded) &&
    (example.expected_minor === undefined || stripeAmount(rounded, currency).toString() === example.expected_minor)
  );
}

/** Whether every expectation of the case holds; false also where the case needs what is not there or is refused. */
function holds(example: PriceExample): boolean {
  try {
    if (isInvoice(example)) return holdsAsInvoice(example);
    return example.phases === undefined ? holdsOtherwise(example) : holdsInPhases(example);
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

(isThere ? describe : describe.skip)('price examples of other systems', () => {
  test('the list of cases decided differently names cases that exist', () => {
    expect(Object.keys(PRICES_DECIDED_DIFFERENTLY).filter((id) => !EXAMPLES.some((example) => example.id === id))).toEqual([]);
  });

  test('there are cases, and most agree', () => {
    expect(EXAMPLES.length - Object.keys(PRICES_DECIDED_DIFFERENTLY).length).toBeGreaterThanOrEqual(85);
  });

  test.each(EXAMPLES.map((example) => [example.id, example] as const))('%s agrees, or is listed with its reason', (id, example) => {
    expect(holds(example)).toBe(PRICES_DECIDED_DIFFERENTLY[id] === undefined);
  });
});

if (!isThere) test.skip('the shared examples are not beside this repository', () => undefined);
