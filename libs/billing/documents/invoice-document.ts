import { Decimal, type WalkStep } from '@tare/core';
import type { CreditNote } from '../credit-notes/credit-note.ts';
import type { InvoiceLine, InvoiceWithLines } from '../invoices/invoice.ts';
import type { BillingDocument, DocumentFact, DocumentLine, DocumentParty, DocumentStep, DocumentTotal } from './document.ts';
import type { Parties } from './party.store.ts';
import { writtenAmount, writtenNumber, writtenStep } from './written-amount.ts';
import { writtenDay, writtenPeriod } from './written-time.ts';

/** What the document says beside the invoice itself. */
export interface DocumentContext {
  readonly parties: Parties;
  /** Numbers of the invoices that lines correct, by id. */
  readonly numbers: ReadonlyMap<string, string>;
  /** On the invoice, in their order. */
  readonly creditNotes: readonly CreditNote[];
}

const TITLES: Readonly<Record<InvoiceWithLines['kind'], string>> = {
  REGULAR: 'Invoice',
  PRORATION: 'Invoice',
  THRESHOLD: 'Invoice',
  PREPAID: 'Invoice',
  SUPPLEMENTARY: 'Supplementary invoice',
};

/** An invoice as its pages show it, in the customer's time zone. Pure: the same invoice and parties make the same document. */
export function invoiceDocument(invoice: InvoiceWithLines, context: DocumentContext): BillingDocument {
  const { parties } = context;
  return {
    title: TITLES[invoice.kind],
    number: invoice.number,
    mark: invoice.status === 'DRAFT' || invoice.status === 'VOID' ? invoice.status : null,
    currency: invoice.currency,
    seller: sellerParty(parties.seller),
    buyer: buyerParty(parties.buyer),
    buyerLabel: 'Bill to',
    facts: factsOf(invoice, parties.buyer.timeZone),
    lines: invoice.lines.map((line) => documentLine(line, invoice.currency, context)),
    totals: totalsOf(invoice, context),
    notes: notesOf(invoice, context),
    changedAtMs: Math.floor((invoice.voidedAt ?? invoice.paidAt ?? invoice.finalizedAt ?? invoice.draftedAt) / 1_000),
  };
}

export function sellerParty({ name, address, taxId, email }: Parties['seller']): DocumentParty {
  return { name, lines: partyLines(address, taxId, email) };
}

export function buyerParty({ name, address, taxId, email }: Parties['buyer']): DocumentParty {
  return { name, lines: partyLines(address, taxId, email) };
}

function partyLines(address: string | null, taxId: string | null, email: string | null): string[] {
  return [...(address?.split('\n') ?? []), ...(taxId === null ? [] : [`Tax ID: ${taxId}`]), ...(email === null ? [] : [email])];
}

function factsOf(invoice: InvoiceWithLines, zone: string): DocumentFact[] {
  const { number, finalizedAt, paidAt, voidedAt, periodStart: start, periodEnd: end } = invoice;
  const day = (label: string, at: number | null): DocumentFact[] => (at === null ? [] : [{ label, text: writtenDay(at, zone) }]);
  return [
    { label: 'Invoice number', text: number ?? 'not yet given' },
    ...day('Date of issue', finalizedAt),
    { label: 'Billing period', text: writtenPeriod({ start, end }, zone) },
    ...day('Paid on', paidAt),
    ...day('Void since', voidedAt),
    ...(invoice.status === 'UNCOLLECTIBLE' ? [{ label: 'Status', text: 'written off' }] : []),
  ];
}

function documentLine(line: InvoiceLine, currency: string, { parties, numbers }: DocumentContext): DocumentLine {
  const [only, ...others] = line.walk;
  const isPlain = only !== undefined && others.length === 0 && only.unitPrice !== null && only.quantity.equals(line.quantity);
  const corrected = line.adjusts === null ? undefined : numbers.get(line.adjusts);
  return {
    description: line.description,
    remarks: [writtenPeriod(line.period, parties.buyer.timeZone), ...(corrected === undefined ? [] : [`corrects invoice ${corrected}`])],
    quantity: writtenNumber(line.quantity),
    unitPrice: isPlain ? writtenNumber(only.unitPrice) : '',
    amount: writtenAmount(line.amount, currency),
    steps: [
      ...(isPlain ? [] : line.walk.map((step) => documentStep(step, currency))),
      ...billedBefore(line, currency),
      ...line.discounts.map(({ key, amount }) => plainStep(`discount ${key}`, amount.negated(), currency)),
    ],
  };
}

function documentStep({ description, quantity, unitPrice, amount }: WalkStep, currency: string): DocumentStep {
  return {
    description,
    quantity: unitPrice === null ? '' : writtenNumber(quantity),
    unitPrice: unitPrice === null ? '' : writtenNumber(unitPrice),
    amount: writtenStep(amount, currency),
  };
}

/** Of a line that bills the rest; the walk of a DELTA says it itself. */
function billedBefore({ kind, rounding }: InvoiceLine, currency: string): DocumentStep[] {
  if (kind === 'DELTA' || rounding.alreadyBilled.isZero()) return [];
  return [plainStep('billed before', rounding.alreadyBilled.negated(), currency)];
}

function plainStep(description: string, amount: Decimal, currency: string): DocumentStep {
  return { description, quantity: '', unitPrice: '', amount: writtenAmount(amount, currency) };
}

/** In the order in which the total comes about (SEMANTICS 8.1); then what became of it. */
function totalsOf(invoice: InvoiceWithLines, { creditNotes }: DocumentContext): DocumentTotal[] {
  const { currency, subtotal, discounts, creditsApplied, tax, total, detail } = invoice;
  const row = (label: string, amount: Decimal, isStrong = false): DocumentTotal => ({
    label,
    amount: writtenAmount(amount, currency),
    isStrong,
  });
  const unlessZero = (label: string, amount: Decimal): DocumentTotal[] => (amount.isZero() ? [] : [row(label, amount)]);
  const unpaidCredits = creditNotes.filter(({ offInvoice }) => !offInvoice.isZero());
  const due = total.minus(Decimal.sum(unpaidCredits.map(({ offInvoice }) => offInvoice)));
  const isPaid = invoice.status === 'PAID';
  return [
    row('Subtotal', subtotal),
    ...discountTotals(invoice).map(({ key, amount }) => row(`Discount ${key}`, amount.negated())),
    ...(discounts.isZero() ? [] : [row('Subtotal after discounts', subtotal.minus(discounts))]),
    ...unlessZero('Prepaid credits', creditsApplied.negated()),
    ...detail.taxes.map(({ name, percent, base, amount }) => row(taxLabel(name, percent, base, currency), amount)),
    ...unlessZero('Tax', tax.minus(Decimal.sum(detail.taxes.map(({ amount }) => amount)))),
    ...unlessZero('Credit from earlier invoices', detail.balanceApplied.negated()),
    ...unlessZero('Kept as credit for the next invoice', detail.balanceCarried),
    row('Total', total, true),
    ...unpaidCredits.map(({ number, offInvoice }) => row(`Credit note ${number}`, offInvoice.negated())),
    ...(isPaid ? unlessZero('Paid', due.negated()) : []),
    ...(isPaid || unpaidCredits.length > 0 ? [row('Amount due', isPaid ? Decimal.ZERO : due, true)] : []),
  ];
}

/** "VAT 19 % on 1,132.65"; what was worked out elsewhere may say no rate. */
function taxLabel(name: string, percent: Decimal | null, base: Decimal, currency: string): string {
  return `${name}${percent === null ? '' : ` ${writtenNumber(percent)} %`} on ${writtenAmount(base, currency)}`;
}

function discountTotals({ lines }: InvoiceWithLines): { key: string; amount: Decimal }[] {
  const totals = new Map<string, Decimal>();
  for (const { key, amount } of lines.flatMap(({ discounts }) => discounts)) totals.set(key, totals.get(key)?.plus(amount) ?? amount);
  return [...totals].map(([key, amount]) => ({ key, amount }));
}

/** Where the tax comes from that no line explains. */
function untaxedNote(burns: Decimal, currency: string): string[] {
  if (burns.isZero()) return [];
  const amount = `${writtenAmount(burns.abs(), currency)} ${currency}`;
  return [
    burns.isPositive()
      ? `Taxed with this invoice: credits for ${amount} that were bought without tax and have been used.`
      : `The tax on credits for ${amount} that were given back is taken off.`,
  ];
}

function notesOf(
  { status, number, detail, adjusts, currency }: InvoiceWithLines,
  { parties, numbers, creditNotes }: DocumentContext,
): string[] {
  const settled = creditNotes.filter((note) => !note.settled.isZero());
  const awaited = [...new Set(detail.awaitingCost.map(({ priceKey }) => priceKey))];
  const corrected = adjusts === null ? undefined : numbers.get(adjusts);
  return [
    ...(corrected === undefined ? [] : [`This invoice bills usage that became known after invoice ${corrected} was issued.`]),
    ...untaxedNote(detail.untaxedBurns, currency),
    ...(awaited.length === 0 ? [] : [`Not billed yet, as its cost is not known: ${awaited.join(', ')}. It follows on a later invoice.`]),
    ...settled.map(
      (note) => `Of what was paid, ${writtenAmount(note.settled, currency)} ${currency} was given back with credit note ${note.number}.`,
    ),
    ...(status === 'DRAFT' ? ['A draft: amounts may change until the invoice is final. It is no request for payment.'] : []),
    ...(status === 'VOID' ? [`Invoice ${number ?? ''} is void: nothing of it is to be paid.`.replace('  ', ' ')] : []),
    ...(parties.seller.note === null || status === 'VOID' ? [] : parties.seller.note.split('\n')),
  ];
}
