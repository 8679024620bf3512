import { BillingService, InvoicePreviews, type InvoicePreview, type InvoiceView } from '@tare/billing';
import { formatInstant, parseInstant } from '@tare/core';
import type { TestWorld } from '../../libs/billing/world.fixture.ts';
import { take, type Step, type Telling } from './steps.ts';

/** A run that did not issue, or draft, what the preview of its time had said. */
export interface Surprise {
  readonly customer: string;
  readonly asOf: string;
  readonly previewed: readonly string[];
  readonly billed: readonly string[];
}

/** How steps are taken so that before each billing run a preview of its time is asked for, and what the run did is compared. */
export function previewing(customers: readonly string[], surprises: Surprise[]): typeof take {
  return async (step: Step, telling: Telling) => {
    const { bill } = step;
    if (bill === undefined) return take(step, telling);
    const { world } = telling;
    const asOf = parseInstant(bill);
    const previews = new Map<string, InvoicePreview[]>();
    for (const customer of customers) previews.set(customer, await world.get(InvoicePreviews).of(world.tenantId, customer, asOf));
    const before = await standing(world, customers);
    await world.get(BillingService).run(world.tenantId, asOf);
    for (const [customer, after] of await standing(world, customers)) {
      const known = new Map((before.get(customer) ?? []).map((invoice) => [invoice.id, invoice]));
      const made = after.filter(({ id, finalizedAt }) => (known.get(id)?.finalizedAt ?? null) !== finalizedAt || !known.has(id));
      const previewed = (previews.get(customer) ?? []).filter(({ preview }) => preview !== 'SO_FAR');
      // A draft that was there stays as it is until it is final, whatever has come since.
      const isMade = (one: InvoicePreview): boolean => one.preview === 'DUE' || made.some((invoice) => placeOf(invoice) === placeOf(one));
      const said = previewed.filter(isMade).map((one) => written(one, one.preview));
      const done = made.map((one) => written(one, one.status === 'DRAFT' ? 'IN_GRACE' : 'DUE'));
      if (said.sort().join('\n') !== done.sort().join('\n'))
        surprises.push({ customer, asOf: formatInstant(asOf), previewed: said, billed: done });
    }
  };
}

async function standing(world: TestWorld, customers: readonly string[]): Promise<Map<string, InvoiceView[]>> {
  const invoices = new Map<string, InvoiceView[]>();
  for (const customer of customers) invoices.set(customer, await world.invoices(customer));
  return invoices;
}

const placeOf = ({ subscriptionId, billingAt, kind, sequence }: InvoiceView): string =>
  [subscriptionId, billingAt, kind, sequence].join(' ');

/** Everything of an invoice that a customer could see of it, and what its periods left to the next one. */
function written(invoice: InvoiceView, state: string): string {
  const { kind, sequence, billingAt, finalizeAt, periodStart, periodEnd, currency, adjusts, subscriptionId } = invoice;
  const { subtotal, discounts, creditsApplied, tax, total, detail, lines } = invoice;
  const own = { state, kind, sequence, billingAt, finalizeAt, periodStart, periodEnd, currency, adjusts, subscriptionId };
  const shown = lines.map(({ id: _id, invoiceId: _invoice, ...line }) => line);
  return JSON.stringify({ ...own, subtotal, discounts, creditsApplied, tax, total, detail, lines: shown }, (_, value: unknown) =>
    value instanceof Map ? [...value] : value,
  );
}
