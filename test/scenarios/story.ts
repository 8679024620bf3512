import type { InvoiceView } from '@tare/billing';
import { formatAmount, formatInstant } from '@tare/core';
import type { Decimal, PlanInput } from '@tare/core';
import type { TestWorld } from '../../libs/billing/world.fixture.ts';
import { take, type Step, type Telling } from './steps.ts';

interface ExpectedInvoice {
  /** Where a story names numbers, all of its invoices have them. */
  readonly number?: string;
  readonly at: string;
  readonly kind: string;
  /** Left out where it is FINALIZED. */
  readonly status?: string;
  readonly lines: readonly string[];
  readonly discounts?: string;
  /** "name percent: base = amount". */
  readonly taxes?: readonly string[];
  /** Taken from the customer's balance (negative), or left on it because a total is never below zero. */
  readonly balance?: string;
  /** What credit notes took off again. */
  readonly credited?: string;
  readonly total: string;
}

interface ExpectedBalance {
  readonly customer: string;
  readonly at: string;
  readonly credits: string;
  /** Held by reservations, where there are any. */
  readonly reserved?: string;
}

/** A business story: a catalogue, customers, what happens, and what is invoiced. */
export interface Story {
  readonly title: string;
  readonly about: string;
  readonly meters: readonly Record<string, unknown>[];
  readonly plans: readonly (Partial<PlanInput> & Pick<PlanInput, 'key' | 'kind'>)[];
  readonly customers: readonly { readonly key: string; readonly timeZone?: string }[];
  readonly story: readonly Step[];
  /** By customer, in order of billing time. A line reads "KIND price: quantity = amount". */
  readonly invoices: Readonly<Record<string, readonly ExpectedInvoice[]>>;
  readonly balances?: readonly ExpectedBalance[];
}

/** Lets the story happen on a tenant of its own and answers what it says it expects, as it really came out. `happen`: how each of its steps is taken. */
export async function tell(story: Story, world: TestWorld, happen: typeof take = take): Promise<Pick<Story, 'invoices' | 'balances'>> {
  for (const { key, ...meter } of story.meters) await world.meter(String(key), meter);
  for (const plan of story.plans) await world.plan(plan);
  for (const { key, timeZone } of story.customers) await world.customer(key, timeZone);
  const telling: Telling = { world, subscriptions: new Map(), reservations: new Map() };
  for (const step of story.story) await happen(step, telling);
  const invoices: Record<string, ExpectedInvoice[]> = {};
  const isNumbered = Object.values(story.invoices).some((expected) => expected.some(({ number }) => number !== undefined));
  for (const customer of Object.keys(story.invoices)) invoices[customer] = await invoicesOf(world, customer, isNumbered);
  const balances: ExpectedBalance[] = [];
  for (const { customer, at } of story.balances ?? []) {
    const { available, reserved } = await world.balance(customer, at);
    balances.push({ customer, at, credits: available.toString(), ...(reserved.isZero() ? {} : { reserved: reserved.toString() }) });
  }
  return { invoices, ...(story.balances ? { balances } : {}) };
}

async function invoicesOf(world: TestWorld, customer: string, isNumbered: boolean): Promise<ExpectedInvoice[]> {
  return (await world.invoices(customer)).map((invoice) => {
    const { number, billingAt, kind, status, lines, currency, discounts, detail, credited, total } = invoice;
    const written = (amount: Decimal): string => formatAmount(amount, currency);
    const balance = detail.balanceCarried.minus(detail.balanceApplied);
    return {
      ...(isNumbered && number !== null ? { number } : {}),
      at: formatInstant(billingAt).replace('.000Z', 'Z'),
      kind,
      ...(status === 'FINALIZED' ? {} : { status }),
      lines: lines.map((line) => `${line.kind} ${line.priceKey ?? '-'}: ${line.quantity.toString()} = ${written(line.amount)}`),
      ...(discounts.isZero() ? {} : { discounts: written(discounts) }),
      ...(detail.taxes.length === 0 ? {} : { taxes: detail.taxes.map((tax) => taxLine(tax, written)) }),
      ...(balance.isZero() ? {} : { balance: written(balance) }),
      ...(credited === undefined || credited.total.isZero() ? {} : { credited: written(credited.total) }),
      total: written(total),
    };
  });
}

function taxLine({ name, percent, base, amount }: InvoiceView['detail']['taxes'][number], written: (amount: Decimal) => string): string {
  return `${name} ${percent?.toString() ?? '-'}: ${written(base)} = ${written(amount)}`;
}
