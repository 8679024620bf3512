import { type LineItem, type LineTax } from './objects/line-item.ts';
import { requireChargeable, requireCurrency } from './currency.ts';
import { multipliedAmount } from './decimal-amount.ts';
import { objectId } from './object-id.ts';
import { mergeMetadata, type Params } from './params.ts';
import { invalidParameter, noSuch } from './stripe-error.ts';

/** What a line says before it belongs to an invoice. */
export type LineDraft = Omit<LineItem, 'invoice' | 'currency'> & { currency: string | null; amountParam: string };

/** Lines per call, and per invoice. */
export const MAX_LINES = 250;

/** The lines of add_lines: at most 250, each either an `amount` or `price_data` with a quantity. */
export function readLines(params: Params, now: number): LineDraft[] {
  const lines = params.list('lines');
  if (lines === undefined) throw invalidParameter('lines', 'Missing required param: lines.', 'parameter_missing');
  if (lines.length > MAX_LINES) {
    throw invalidParameter('lines', `Invalid array: lines has ${lines.length} items; the maximum is ${MAX_LINES}.`, 'array_too_long');
  }
  return lines.map((line) => readLine(line, now));
}

function readLine(params: Params, now: number): LineDraft {
  refuseWhatIsNotEmulated(params);
  const priced = readPriced(params);
  return {
    id: objectId('il'),
    object: 'line_item',
    ...priced,
    description: params.text('description') ?? priced.description,
    discount_amounts: [],
    discountable: params.boolean('discountable') ?? priced.amount >= 0,
    discounts: [],
    livemode: false,
    metadata: mergeMetadata({}, params.metadata()),
    parent: {
      type: 'invoice_item_details',
      invoice_item_details: { invoice_item: objectId('ii'), proration: false, proration_details: null, subscription: null },
      subscription_item_details: null,
    },
    period: readPeriod(params) ?? { start: now, end: now },
    pretax_credit_amounts: [],
    subscription: null,
    subtotal: priced.amount,
    taxes: readTaxAmounts(params),
  };
}

type Priced = Pick<LineDraft, 'amount' | 'amountParam' | 'currency' | 'description' | 'pricing' | 'quantity' | 'quantity_decimal'>;

function readPriced(params: Params): Priced {
  const amount = params.integer('amount');
  const priceData = params.object('price_data');
  const quantity = readQuantity(params);
  const amountParam = params.nameOf('amount');
  if (amount !== undefined) {
    const other = priceData !== undefined ? 'price_data' : quantity !== undefined ? 'quantity' : undefined;
    if (other !== undefined) throw invalidParameter(amountParam, `You may only specify one of these parameters: amount, ${other}.`);
    return { amount, amountParam, currency: null, description: null, pricing: pricing(String(amount)), quantity: 1, quantity_decimal: '1' };
  }
  if (priceData === undefined) {
    throw invalidParameter(amountParam, 'You must specify one of these parameters: amount, price_data, pricing.', 'parameter_missing');
  }
  return readPriceData(priceData, quantity ?? '1', amountParam);
}

function readPriceData(params: Params, quantity: string, amountParam: string): Priced {
  const currency = requireCurrency(params.requiredText('currency'), params.nameOf('currency'));
  const product = params.object('product_data');
  const productId = params.text('product');
  if (productId != null) throw noSuch('product', productId, params.nameOf('product'));
  if (product === undefined)
    throw invalidParameter(params.nameOf('product_data'), 'You must specify product_data (products are not emulated).');
  const name = product.requiredText('name', 250);
  product.text('description');
  product.text('tax_code');
  product.text('unit_label', 12);
  product.metadata();
  params.choice('tax_behavior', ['exclusive', 'inclusive', 'unspecified']);
  const unit = params.has('unit_amount') ? String(params.integer('unit_amount')) : params.decimal('unit_amount_decimal');
  if (unit === undefined)
    throw invalidParameter(params.nameOf('unit_amount'), 'You must specify unit_amount or unit_amount_decimal.', 'parameter_missing');
  return {
    amount: multipliedAmount(unit, quantity),
    amountParam,
    currency,
    description: name,
    pricing: pricing(unit),
    quantity: Math.trunc(Number(quantity)),
    quantity_decimal: quantity,
  };
}

function pricing(unit: string): LineItem['pricing'] {
  return { type: 'price_details', price_details: { price: objectId('price'), product: objectId('prod') }, unit_amount_decimal: unit };
}

function readQuantity(params: Params): string | undefined {
  const whole = params.integer('quantity', { min: 0 });
  const decimal = params.decimal('quantity_decimal');
  if (whole !== undefined && decimal !== undefined) {
    throw invalidParameter(params.nameOf('quantity'), 'You may only specify one of these parameters: quantity, quantity_decimal.');
  }
  if (decimal?.startsWith('-') === true)
    throw invalidParameter(params.nameOf('quantity_decimal'), 'This value must be greater than or equal to 0.');
  return whole === undefined ? decimal : String(whole);
}

function readPeriod(params: Params): { start: number; end: number } | undefined {
  const period = params.object('period');
  if (period === undefined) return undefined;
  const start = period.requiredInteger('start', { min: 0 });
  const end = period.requiredInteger('end', { min: 0 });
  if (end < start) throw invalidParameter(period.nameOf('end'), 'The period end must be greater than or equal to its start.');
  return { start, end };
}

function readTaxAmounts(params: Params): LineTax[] {
  return (params.list('tax_amounts') ?? []).map((tax) => {
    const data = tax.object('tax_rate_data');
    if (data === undefined)
      throw invalidParameter(tax.nameOf('tax_rate_data'), 'Missing required param: tax_rate_data.', 'parameter_missing');
    data.requiredText('display_name', 100);
    if (data.decimal('percentage', 4) === undefined)
      throw invalidParameter(data.nameOf('percentage'), 'Missing required param.', 'parameter_missing');
    for (const key of ['country', 'description', 'jurisdiction', 'jurisdiction_level', 'state', 'tax_type']) data.text(key);
    return {
      amount: tax.requiredInteger('amount'),
      tax_behavior: data.boolean('inclusive') === true ? 'inclusive' : 'exclusive',
      tax_rate_details: { tax_rate: objectId('txr') },
      taxability_reason: tax.text('taxability_reason') ?? 'standard_rated',
      taxable_amount: tax.requiredInteger('taxable_amount'),
      type: 'tax_rate_details',
    };
  });
}

function refuseWhatIsNotEmulated(params: Params): void {
  const item = params.text('invoice_item');
  if (item != null) throw noSuch('invoiceitem', item, params.nameOf('invoice_item'));
  const price = params.object('pricing')?.text('price');
  if (price != null) throw noSuch('price', price, params.nameOf('pricing'));
}

/** A draft line becomes a line of this invoice; its currency must be the invoice's. */
export function lineOfInvoice({ amountParam, ...line }: LineDraft, invoice: { id: string; currency: string }): LineItem {
  if (line.currency !== null && line.currency !== invoice.currency) {
    throw invalidParameter(
      amountParam,
      `The currency of the line (${line.currency}) must match the invoice's currency (${invoice.currency}).`,
    );
  }
  requireChargeable(line.amount, invoice.currency, amountParam);
  return { ...line, invoice: invoice.id, currency: invoice.currency };
}
