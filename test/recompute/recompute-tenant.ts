import type { TenantTransaction } from '@tare/database';
import { Fraction } from '../oracle/fraction.ts';
import { ExpectedInvoices, incrementOf, NotCovered, type ExpectedLine, type RawInvoice, type RawLine } from './expected-invoice.ts';
import { readContract } from './raw-contract.ts';

/** What a recomputation of a tenant found. */
export interface Recomputation {
  /** Invoices that were recomputed, and their lines. */
  readonly invoices: number;
  readonly lines: number;
  /** Each difference as a sentence: the invoice, the line, what it says and what it should say. */
  readonly differences: readonly string[];
  /** What the second implementation says nothing about, and met. */
  readonly notCovered: readonly string[];
}

interface InvoiceTotals extends RawInvoice {
  readonly status: string;
  readonly customer_id: string;
  readonly subtotal: string;
  readonly discounts: string;
  readonly credits_applied: string;
  readonly tax: string;
  readonly total: string;
  readonly balance_applied: string;
  readonly balance_carried: string;
  readonly taxes: readonly { readonly percent: string | null; readonly base: string; readonly amount: string }[];
}

interface Purchase {
  readonly invoice_id: string;
  readonly credits: string;
  readonly price: string;
}

const INVOICES = `
SELECT i.id, i.number, i.kind, i.subscription_id, i.billing_at, i.currency, i.seen_seq, i.voided_place, i.replaces, i.status, i.customer_id, i.subtotal, i.discounts, i.credits_applied, i.tax, i.total,
  coalesce(i.detail ->> 'balanceApplied', '0') AS balance_applied, coalesce(i.detail ->> 'balanceCarried', '0') AS balance_carried, coalesce(i.detail -> 'taxes', '[]') AS taxes
FROM invoice i WHERE i.tenant_id = $1 AND i.number IS NOT NULL
ORDER BY i.customer_id, substring(i.number FROM '[0-9]+$')::int`;
const PURCHASES = 'SELECT invoice_id, credits, price_amount AS price FROM credit_purchase WHERE tenant_id = $1 AND invoice_id IS NOT NULL';
const LINES = `
SELECT l.id, l.invoice_id, l.kind, l.price_key, l.price_group, l.segment_id, l.quantity, l.exact_amount, l.amount, l.discount, coalesce(l.detail ->> 'lineDiscount', '0') AS line_discount, l.detail ->> 'committed' AS committed,
  l.period_start, l.period_end, l.adjusts, coalesce(l.detail -> 'discounts', '[]') AS shares, l.detail ->> 'adjustsKind' AS adjusts_kind, coalesce(l.detail ->> 'credits', '0') AS credits,
  coalesce((SELECT jsonb_agg(jsonb_build_object('place', n.place, 'amount', c.amount::text)) FROM credit_note_line c
    JOIN credit_note n ON n.tenant_id = c.tenant_id AND n.id = c.credit_note_id WHERE c.tenant_id = l.tenant_id AND c.invoice_line_id = l.id), '[]') AS credit_notes
FROM invoice_line l WHERE l.tenant_id = $1 ORDER BY l.invoice_id, l.position`;

/** Recomputes every closed invoice of a tenant from its raw events, line by line, and tells what differs. */
export async function recomputeTenant(tx: TenantTransaction): Promise<Recomputation> {
  const invoices = await tx.query<InvoiceTotals>(INVOICES, [tx.tenantId]);
  const lines = grouped(await tx.query<RawLine>(LINES, [tx.tenantId]), ({ invoice_id: id }) => id);
  const bought = grouped(await tx.query<Purchase>(PURCHASES, [tx.tenantId]), ({ invoice_id: id }) => id);
  const differences: string[] = [];
  const notCovered = new Set<string>();
  let counted = { invoices: 0, lines: 0 };
  for (const [customerId, own] of grouped(invoices, ({ customer_id: id }) => id)) {
    const issued = own.map((invoice) => ({ invoice, lines: lines.get(invoice.id) ?? [] }));
    const expected = new ExpectedInvoices(tx, await readContract(tx, customerId), issued);
    // A void one too: what was closed stays what it was.
    for (const { invoice, lines: billed } of issued) {
      try {
        const wrong =
          invoice.kind === 'PREPAID'
            ? wrongPurchase(invoice, billed, bought.get(invoice.id) ?? [])
            : differencesOf(invoice, billed, await expected.linesOf(invoice));
        differences.push(...wrong, ...wrongTotals(invoice, billed));
        counted = { invoices: counted.invoices + 1, lines: counted.lines + billed.length };
      } catch (error) {
        if (!(error instanceof NotCovered)) throw error;
        notCovered.add(error.message);
      }
    }
  }
  return { ...counted, differences, notCovered: [...notCovered].sort() };
}

function grouped<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) groups.set(keyOf(row), [...(groups.get(keyOf(row)) ?? []), row]);
  return groups;
}

/** A prepaid invoice has what was bought, at its price, and nothing else. */
function wrongPurchase({ number, currency }: InvoiceTotals, billed: readonly RawLine[], bought: readonly Purchase[]): string[] {
  const due = bought.map(({ credits, price }) => {
    const exact = Fraction.read(price);
    return `CREDITS ${Fraction.read(credits).toString()} -> ${exact.toString()} -> ${exact.rounded(incrementOf(currency)).toString()} less 0`;
  });
  const found = billed.map((line) => `${line.kind} ${writtenRow(line)}`);
  return due.length === 1 && due.join() === found.join() ? [] : [`${number} (PREPAID): is ${found.join()}, should be ${due.join()}`];
}

function differencesOf({ number, kind }: InvoiceTotals, billed: readonly RawLine[], expected: readonly ExpectedLine[]): string[] {
  const due = new Map(expected.filter(isShown).map((line) => [nameOf(line), writtenExpected(line)]));
  const found = new Map(billed.map((line) => [nameOfRow(line), writtenRow(line)]));
  const names = new Set([...due.keys(), ...found.keys()]);
  return [...names].flatMap((name) => {
    const [is, should] = [found.get(name) ?? 'not there', due.get(name) ?? 'not there'];
    return is === should ? [] : [`${number} (${kind}) ${name}: is ${is}, should be ${should}`];
  });
}

/** Nothing used and nothing charged is no line. */
const isShown = ({ quantity, amount }: ExpectedLine): boolean => !quantity.isZero || !amount.isZero;

function nameOf({ kind, adjustsKind, segment, price, group, start, adjusts }: ExpectedLine): string {
  return [kind, adjustsKind ?? '-', price ?? '-', group ?? '-', new Date(start / 1_000).toISOString(), segment, adjusts ?? '-'].join(' ');
}

function nameOfRow(line: RawLine): string {
  const { kind, adjusts_kind: adjustsKind, segment_id: segment, price_key: price, price_group: group, period_start: start, adjusts } = line;
  return [kind, adjustsKind ?? '-', price ?? '-', group ?? '-', new Date(start / 1_000).toISOString(), segment, adjusts ?? '-'].join(' ');
}

function writtenExpected({ quantity, exact, amount, discount }: ExpectedLine): string {
  return `${quantity.toString()} -> ${exact.toString()} -> ${amount.toString()} less ${discount.toString()}`;
}

function writtenRow({ quantity, exact_amount: exact, amount, discount }: RawLine): string {
  const [a, b, c, d] = [quantity, exact, amount, discount].map((text) => Fraction.read(text).toString());
  return `${a} -> ${b} -> ${c} less ${d}`;
}

/** Totals are sums of lines; each tax is its rate of its base, rounded once (SEMANTICS 8.1). */
function wrongTotals(invoice: InvoiceTotals, lines: readonly RawLine[]): string[] {
  const read = Fraction.read.bind(Fraction);
  const step = incrementOf(invoice.currency);
  const subtotal = Fraction.sum(lines.map(({ amount }) => read(amount)));
  const discounts = Fraction.sum(lines.map(({ discount }) => read(discount)));
  const taxes = invoice.taxes.map(({ percent, base, amount }) =>
    percent === null ? read(amount) : read(base).times(read(percent)).over(Fraction.of(100)).rounded(step),
  );
  const total = subtotal
    .minus(discounts)
    .minus(read(invoice.credits_applied))
    .plus(Fraction.sum(taxes))
    .minus(read(invoice.balance_applied))
    .plus(read(invoice.balance_carried));
  const checks: readonly (readonly [string, string, Fraction])[] = [
    ['subtotal', invoice.subtotal, subtotal],
    ['discounts', invoice.discounts, discounts],
    ['tax', invoice.tax, Fraction.sum(taxes)],
    ['total', invoice.total, total],
  ];
  return checks.flatMap(([name, is, should]) =>
    read(is).compare(should) === 0 ? [] : [`${invoice.number} ${name}: is ${is}, should be ${should.toString()}`],
  );
}
