import { formatAmount, formatInstant } from '@tare/core';
import type { PlanInput } from '@tare/core';
import type { TestWorld } from '../../libs/billing/world.fixture.ts';
import { take, type Step, type Telling } from './steps.ts';

interface ExpectedInvoice {
  readonly at: string;
  readonly kind: string;
  /** Left out where it is FINALIZED. */
  readonly status?: string;
  readonly lines: readonly string[];
  readonly discounts?: string;
  readonly total: string;
}

interface ExpectedBalance {
  readonly customer: string;
  readonly at: string;
  readonly credits: string;
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

/** Lets the story happen on a tenant of its own and answers what it says it expects, as it really came out. */
export async function tell(story: Story, world: TestWorld): Promise<Pick<Story, 'invoices' | 'balances'>> {
  for (const { key, ...meter } of story.meters) await world.meter(String(key), meter);
  for (const plan of story.plans) await world.plan(plan);
  for (const { key, timeZone } of story.customers) await world.customer(key, timeZone);
  const telling: Telling = { world, subscriptions: new Map() };
  for (const step of story.story) await take(step, telling);
  const invoices: Record<string, ExpectedInvoice[]> = {};
  for (const customer of Object.keys(story.invoices)) invoices[customer] = await invoicesOf(world, customer);
  const balances: ExpectedBalance[] = [];
  for (const { customer, at } of story.balances ?? []) {
    balances.push({ customer, at, credits: (await world.balance(customer, at)).available.toString() });
  }
  return { invoices, ...(story.balances ? { balances } : {}) };
}

async function invoicesOf(world: TestWorld, customer: string): Promise<ExpectedInvoice[]> {
  return (await world.invoices(customer)).map(({ billingAt, kind, status, lines, currency, discounts, total }) => ({
    at: formatInstant(billingAt).replace('.000Z', 'Z'),
    kind,
    ...(status === 'FINALIZED' ? {} : { status }),
    lines: lines.map(
      (line) => `${line.kind} ${line.priceKey ?? '-'}: ${line.quantity.toString()} = ${formatAmount(line.amount, currency)}`,
    ),
    ...(discounts.isZero() ? {} : { discounts: formatAmount(discounts, currency) }),
    total: formatAmount(total, currency),
  }));
}
