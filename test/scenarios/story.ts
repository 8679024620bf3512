import { CreditsService } from '@tare/credits';
import { Decimal, formatAmount, formatInstant, parseInstant } from '@tare/core';
import type { PlanInput } from '@tare/core';
import { CorrectionsService, type CorrectionAuthor, type IngestResult } from '@tare/usage';
import { TestWorld, type StoryEvent } from '../../libs/billing/world.fixture.ts';

interface Usage extends StoryEvent {
  readonly customer: string;
}

/** What happens, in the order in which it happens. Each step has one of the fields. */
interface Step {
  readonly subscribe?: {
    readonly customer: string;
    readonly plan: string;
    readonly from: string;
    readonly seats?: number;
    readonly discounts?: readonly { readonly key: string; readonly percentOff?: string; readonly periods?: number }[];
    /** How later steps call the subscription. */
    readonly as?: string;
  };
  readonly use?: Usage | Usage[];
  /** Keys of events that are cancelled. */
  readonly void?: readonly string[];
  /** Events that take the place of those with their keys. */
  readonly amend?: readonly (Usage & { readonly key: string })[];
  readonly grant?: { customer: string; key: string; credits: string; price?: string; effectiveAt: string; expiresAt?: string };
  readonly change?: { readonly subscription: string; readonly to: string; readonly at: string };
  readonly cancel?: { readonly subscription: string; readonly at: string; readonly immediately?: boolean };
  /** Runs billing as of this time. */
  readonly bill?: string;
  /** Why this step stands here; for readers. */
  readonly note?: string;
}

interface ExpectedInvoice {
  readonly at: string;
  readonly kind: string;
  readonly lines: readonly string[];
  readonly discounts?: string;
  readonly total: string;
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
  readonly balances?: readonly { readonly customer: string; readonly at: string; readonly credits: string }[];
}

/** Lets the story happen on a tenant of its own and answers what it says it expects, as it really came out. */
export async function tell(story: Story, world: TestWorld): Promise<Pick<Story, 'invoices' | 'balances'>> {
  for (const { key, ...meter } of story.meters) await world.meter(String(key), meter);
  for (const plan of story.plans) await world.plan(plan);
  for (const { key, timeZone } of story.customers) await world.customer(key, timeZone);
  const subscriptions = new Map<string, string>();
  for (const step of story.story) await happen(step, world, subscriptions);
  const invoices: Record<string, ExpectedInvoice[]> = {};
  for (const customer of Object.keys(story.invoices)) invoices[customer] = await invoicesOf(world, customer);
  const balances = [];
  for (const { customer, at } of story.balances ?? []) {
    balances.push({ customer, at, credits: (await world.balance(customer, at)).available.toString() });
  }
  return { invoices, ...(story.balances ? { balances } : {}) };
}

async function happen(
  { subscribe, use, void: voided, amend, grant, change, cancel, bill }: Step,
  world: TestWorld,
  subscriptions: Map<string, string>,
): Promise<void> {
  const named = (name: string): string => subscriptions.get(name) ?? fail(`no subscription is called "${name}"`);
  if (subscribe) {
    const { customer, plan, from, seats, as } = subscribe;
    const discounts = (subscribe.discounts ?? []).map(({ percentOff, ...discount }) => ({
      ...discount,
      percentOff: percentOff ? Decimal.parse(percentOff) : null,
    }));
    subscriptions.set(as ?? customer, await world.subscribe(customer, plan, from, { discounts, ...(seats ? { seats } : {}) }));
  }
  for (const { customer, ...event } of [use ?? []].flat()) await world.use(customer, event);
  if (voided) await correct(world, (service, author) => service.voidEvents(world.tenantId, voided, author));
  if (amend)
    await correct(world, (service, author) =>
      service.amendEvents(
        world.tenantId,
        amend.map((event) => ({ type: 'request', ...event })),
        author,
      ),
    );
  if (grant) await give(world, grant);
  if (change) await world.change(named(change.subscription), change.to, change.at);
  if (cancel) await world.cancel(named(cancel.subscription), cancel.at, cancel.immediately ?? false);
  if (bill) await world.bill(bill);
}

/** Whatever is refused fails. */
async function correct(
  world: TestWorld,
  work: (service: CorrectionsService, author: CorrectionAuthor) => Promise<IngestResult>,
): Promise<void> {
  const { rejected } = await work(world.get(CorrectionsService), { actor: 'the story', reason: null });
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
}

async function give(
  world: TestWorld,
  { customer, key, credits, price, effectiveAt, expiresAt }: NonNullable<Step['grant']>,
): Promise<void> {
  await world.get(CreditsService).grant(world.tenantId, {
    customer,
    key,
    credits: Decimal.parse(credits),
    price: price ? { amount: Decimal.parse(price), currency: 'USD' } : null,
    effectiveAt: parseInstant(effectiveAt),
    expiresAt: expiresAt ? parseInstant(expiresAt) : null,
  });
}

async function invoicesOf(world: TestWorld, customer: string): Promise<ExpectedInvoice[]> {
  return (await world.invoices(customer)).map(({ billingAt, kind, lines, currency, discounts, total }) => ({
    at: formatInstant(billingAt).replace('.000Z', 'Z'),
    kind,
    lines: lines.map(
      (line) => `${line.kind} ${line.priceKey ?? '-'}: ${line.quantity.toString()} = ${formatAmount(line.amount, currency)}`,
    ),
    ...(discounts.isZero() ? {} : { discounts: formatAmount(discounts, currency) }),
    total: formatAmount(total, currency),
  }));
}

function fail(message: string): never {
  throw new Error(message);
}
