import {
  CreditNotesService,
  CustomerTaxesService,
  InvoiceRegeneration,
  InvoicesService,
  type CreditNoteSettlement,
  type InvoiceView,
} from '@tare/billing';
import { CostRatesService, CouponsService, ExchangeRatesService } from '@tare/catalog';
import { CreditsService, DebitsService, PurchasesService } from '@tare/credits';
import { Decimal, parseInstant } from '@tare/core';
import type { Instant } from '@tare/core';
import { RecostingService } from '@tare/costs';
import {
  AgreedPricesService,
  DiscountsService,
  MigrationsService,
  PausesService,
  SubscriptionsService,
  type MigrationTiming,
} from '@tare/customers';
import { CorrectionsService, type CorrectionAuthor, type IngestResult } from '@tare/usage';
import type { StoryEvent, TestWorld } from '../../libs/billing/world.fixture.ts';

/** A story while it is told. */
export interface Telling {
  readonly world: TestWorld;
  /** Ids by the names that the story uses. */
  readonly subscriptions: Map<string, string>;
  /** Ids by their keys. */
  readonly reservations: Map<string, string>;
}

interface Usage extends StoryEvent {
  readonly customer: string;
  /** The subscription that the event names, by the name that the story gave it. */
  readonly names?: string;
}

type StoryDiscountInput = NonNullable<Parameters<TestWorld['subscribe']>[3]>['discounts'] extends readonly (infer D)[] | null | undefined
  ? D
  : never;

interface StoryDiscount {
  readonly key: string;
  readonly percentOff?: string;
  /** USD. */
  readonly amountOff?: string;
  readonly periods?: number;
  readonly carriesOn?: boolean;
  readonly appliesTo?: 'ALL' | 'FEES' | 'USAGE';
  readonly prices?: readonly string[];
}

/** A price that is agreed with one customer, from when it is asked for unless said. */
interface StoryOverride {
  readonly price: string;
  readonly validUntil?: string;
  readonly [amount: string]: string | undefined;
}

/** What can happen. A step has one of the fields; `note` says why it stands there, for readers. Money is USD. Invoices are named by their numbers. */
interface Happenings {
  /** `as`: how later steps call the subscription; the customer's key unless said. */
  readonly subscribe: {
    readonly customer: string;
    readonly plan: string;
    readonly from: string;
    readonly seats?: number;
    readonly overlap?: boolean;
    readonly discounts?: readonly StoryDiscount[];
    readonly as?: string;
  };
  /** The next version of a plan. */
  readonly publish: Parameters<TestWorld['plan']>[0];
  /** Brings all subscriptions of one version of a plan to another: to the newest unless said. */
  readonly migrate: { plan: string; fromVersion: number; toVersion?: number; timing: MigrationTiming; at: string; customers?: string[] };
  readonly use: Usage | readonly Usage[];
  /** Keys of events that are cancelled. */
  readonly void: readonly string[];
  /** Events that take the place of those with their keys. */
  readonly amend: readonly (Usage & { readonly key: string })[];
  readonly grant: { customer: string; key: string; credits: string; price?: string; effectiveAt: string; expiresAt?: string };
  /** A pack of credits: a PREPAID invoice follows with the next run. */
  readonly buy: { customer: string; key: string; credits: string; price: string; at: string };
  readonly topUp: { customer: string; threshold: string; credits: string; price: string; monthlyLimit?: string };
  /** Usage that came in is taken off wallets, as the API does by itself soon after it came. */
  readonly draw: { readonly customer: string; readonly at: string };
  /** Holds credits for so many seconds, until they are committed or released by the key of the reservation. */
  readonly reserve: { customer: string; key: string; credits: string; ttlSeconds?: number };
  readonly commit: { readonly reservation: string; readonly credits: string };
  readonly release: { readonly reservation: string };
  /** What the wallet must have at this point of the story. */
  readonly balance: { readonly customer: string; readonly at: string; readonly credits: string; readonly reserved?: string };
  readonly change: { readonly subscription: string; readonly to: string; readonly at: string; readonly immediately?: boolean };
  readonly seats: { readonly subscription: string; readonly seats: number; readonly at: string; readonly immediately?: boolean };
  readonly addOn: { readonly subscription: string; readonly addOn: string; readonly quantity?: number; readonly at: string };
  readonly removeAddOn: { readonly subscription: string; readonly addOn: string; readonly at: string; readonly immediately?: boolean };
  readonly pause: { readonly subscription: string; readonly at: string; readonly resumesAt?: string };
  readonly resume: { readonly subscription: string; readonly at: string };
  readonly cancel: {
    readonly subscription: string;
    readonly at: string;
    readonly immediately?: boolean;
    readonly endsAt?: string;
    readonly creditUnused?: boolean;
  };
  /** Takes a cancellation back that is still to come. */
  readonly uncancel: { readonly subscription: string; readonly at: string };
  readonly trialEnd: { readonly subscription: string; readonly at: string; readonly trialEndsAt: string };
  readonly agree: { readonly subscription: string; readonly at: string; readonly overrides: readonly StoryOverride[] };
  /** The plan's own prices again. */
  readonly disagree: { readonly subscription: string; readonly at: string; readonly prices: readonly string[] };
  readonly discount: { readonly subscription: string; readonly at: string; readonly discount: StoryDiscount };
  readonly endDiscount: { readonly subscription: string; readonly at: string; readonly key: string };
  /** Of all subscriptions of a customer. */
  readonly customerDiscount: { readonly customer: string; readonly at: string; readonly discount: StoryDiscount };
  readonly endCustomerDiscount: { readonly customer: string; readonly at: string; readonly key: string };
  readonly coupon: StoryDiscount;
  readonly redeem: { readonly subscription: string; readonly coupon: string; readonly at: string };
  /** How a customer is taxed: rates in percent. */
  readonly tax: {
    readonly customer: string;
    readonly rates: Readonly<Record<string, string>>;
    readonly exempt?: boolean;
    readonly creditsTaxed?: 'AT_PURCHASE' | 'AT_USE';
    readonly from?: string;
  };
  /** What a model costs per million tokens, in USD; stored events are costed with it at once. */
  readonly rate: {
    readonly provider: string;
    readonly model: string;
    readonly from: string;
    readonly input: string;
    readonly output: string;
  };
  /** What one unit of a currency is worth in another, from a time on. */
  readonly exchange: { readonly from: string; readonly to: string; readonly rate: string; readonly validFrom: string };
  /** Runs billing as of this time. */
  readonly bill: string;
  readonly pay: { readonly invoice: string; readonly at: string };
  readonly voidInvoice: { readonly invoice: string; readonly at: string };
  /** Bills the periods of a voided invoice again. */
  readonly regenerate: { readonly invoice: string; readonly at: string };
  /** An amount with its taxes, or amounts of lines without, by `KIND price`. */
  readonly creditNote: {
    readonly invoice: string;
    readonly amount?: string;
    readonly lines?: Readonly<Record<string, string>>;
    readonly reason: string;
    readonly settlement?: CreditNoteSettlement;
    readonly at: string;
  };
}

export type Step = Partial<Happenings> & { readonly note?: string };

type Steps = { readonly [Name in keyof Happenings]: (what: Happenings[Name], telling: Telling) => Promise<unknown> };

const STEPS: Steps = {
  subscribe: async ({ customer, plan, from, seats, overlap, discounts, as }, { world, subscriptions }) => {
    const more = { discounts: (discounts ?? []).map(discountOf), ...(seats ? { seats } : {}), ...(overlap ? { overlap } : {}) };
    subscriptions.set(as ?? customer, await world.subscribe(customer, plan, from, more));
  },
  publish: (plan, { world }) => world.plan(plan),
  migrate: async ({ at, ...request }, { world }) => {
    const { refused } = await world.get(MigrationsService).migrate(world.tenantId, { ...request, at: parseInstant(at) });
    if (refused.length > 0) throw new Error(JSON.stringify(refused));
  },
  use: async (usage, telling) => {
    for (const { customer, ...event } of [usage].flat()) await telling.world.use(customer, naming(event, telling));
  },
  void: (keys, { world }) => correct(world, (service, author) => service.voidEvents(world.tenantId, keys, author)),
  amend: (events, telling) =>
    correct(telling.world, (service, author) =>
      service.amendEvents(
        telling.world.tenantId,
        events.map((event) => ({ type: 'request', ...naming(event, telling) })),
        author,
      ),
    ),
  grant: ({ customer, key, credits, price, effectiveAt, expiresAt }, { world }) =>
    world.get(CreditsService).grant(world.tenantId, {
      customer,
      key,
      credits: Decimal.parse(credits),
      price: price ? usd(price) : null,
      effectiveAt: parseInstant(effectiveAt),
      expiresAt: expiresAt ? parseInstant(expiresAt) : null,
    }),
  buy: ({ credits, price, at, ...pack }, { world }) =>
    world.get(PurchasesService).purchase(world.tenantId, { ...pack, credits: Decimal.parse(credits), price: usd(price) }, parseInstant(at)),
  topUp: ({ customer, threshold, credits, price, monthlyLimit }, { world }) =>
    world.get(PurchasesService).setAutoTopUp(world.tenantId, customer, {
      threshold: Decimal.parse(threshold),
      credits: Decimal.parse(credits),
      price: usd(price),
      monthlyLimit: monthlyLimit ? Decimal.parse(monthlyLimit) : null,
    }),
  draw: ({ customer, at }, { world }) => world.balance(customer, at),
  reserve: async ({ credits, ...reservation }, { world, reservations }) => {
    const { id } = await world.get(DebitsService).reserve(world.tenantId, { ...reservation, credits: Decimal.parse(credits) });
    reservations.set(reservation.key, id);
  },
  commit: ({ reservation, credits }, { world, reservations }) =>
    world.get(DebitsService).commit(world.tenantId, known(reservations, reservation), Decimal.parse(credits)),
  release: ({ reservation }, { world, reservations }) => world.get(DebitsService).release(world.tenantId, known(reservations, reservation)),
  balance: async ({ customer, at, credits, reserved = '0' }, { world }) => {
    const balance = await world.balance(customer, at);
    const is = [balance.available.toString(), balance.reserved.toString()];
    if (is[0] !== credits || is[1] !== reserved) throw new Error(`${customer} has ${is[0]} credits at ${at}, and ${is[1]} reserved`);
  },
  change: ({ subscription, to: plan, at, ...change }, telling) =>
    telling.world
      .get(SubscriptionsService)
      .change(telling.world.tenantId, { ...change, subscription: named(subscription, telling), plan, at: parseInstant(at) }),
  seats: ({ subscription, at, ...change }, telling) =>
    telling.world
      .get(SubscriptionsService)
      .change(telling.world.tenantId, { ...change, subscription: named(subscription, telling), at: parseInstant(at) }),
  addOn: ({ subscription, at, ...addOn }, telling) =>
    telling.world
      .get(SubscriptionsService)
      .addAddOn(telling.world.tenantId, { ...addOn, subscription: named(subscription, telling), at: parseInstant(at) }),
  removeAddOn: ({ subscription, at, ...addOn }, telling) =>
    telling.world
      .get(SubscriptionsService)
      .removeAddOn(telling.world.tenantId, { ...addOn, subscription: named(subscription, telling), at: parseInstant(at) }),
  pause: ({ subscription, at, resumesAt }, telling) =>
    telling.world.get(PausesService).pause(telling.world.tenantId, {
      subscription: named(subscription, telling),
      at: parseInstant(at),
      resumesAt: instantOf(resumesAt),
    }),
  resume: ({ subscription, at }, telling) =>
    telling.world.get(PausesService).resume(telling.world.tenantId, { subscription: named(subscription, telling), at: parseInstant(at) }),
  cancel: ({ subscription, at, endsAt, ...cancellation }, telling) =>
    telling.world.get(SubscriptionsService).cancel(telling.world.tenantId, {
      ...cancellation,
      subscription: named(subscription, telling),
      at: parseInstant(at),
      endsAt: instantOf(endsAt),
    }),
  uncancel: ({ subscription, at }, telling) =>
    telling.world
      .get(SubscriptionsService)
      .uncancel(telling.world.tenantId, { subscription: named(subscription, telling), at: parseInstant(at) }),
  trialEnd: ({ subscription, at, trialEndsAt }, telling) =>
    telling.world.get(PausesService).setTrialEnd(telling.world.tenantId, {
      subscription: named(subscription, telling),
      at: parseInstant(at),
      trialEndsAt: parseInstant(trialEndsAt),
    }),
  agree: ({ subscription, at, overrides }, telling) =>
    telling.world.get(AgreedPricesService).override(telling.world.tenantId, {
      subscription: named(subscription, telling),
      at: parseInstant(at),
      overrides: overrides.map(({ validUntil, ...override }) => ({ ...override, validUntil: instantOf(validUntil) })),
    }),
  disagree: ({ subscription, at, prices }, telling) =>
    telling.world
      .get(AgreedPricesService)
      .remove(telling.world.tenantId, { subscription: named(subscription, telling), at: parseInstant(at), prices }),
  discount: ({ subscription, at, discount }, telling) =>
    telling.world.get(DiscountsService).add(telling.world.tenantId, {
      subscription: named(subscription, telling),
      at: parseInstant(at),
      discount: discountOf(discount),
    }),
  endDiscount: ({ subscription, at, key }, telling) =>
    telling.world
      .get(DiscountsService)
      .remove(telling.world.tenantId, { subscription: named(subscription, telling), at: parseInstant(at), key }),
  customerDiscount: ({ customer, at, discount }, { world }) =>
    world.get(DiscountsService).addToCustomer(world.tenantId, { customer, at: parseInstant(at), discount: discountOf(discount) }),
  endCustomerDiscount: ({ customer, at, key }, { world }) =>
    world.get(DiscountsService).removeFromCustomer(world.tenantId, { customer, at: parseInstant(at), key }),
  coupon: ({ ...discount }, { world }) => world.get(CouponsService).create(world.tenantId, { name: discount.key, ...discountOf(discount) }),
  redeem: ({ subscription, coupon, at }, telling) =>
    telling.world
      .get(DiscountsService)
      .redeem(telling.world.tenantId, { subscription: named(subscription, telling), coupon, at: parseInstant(at) }),
  tax: ({ customer, rates, exempt, creditsTaxed, from }, { world }) => {
    const named = Object.entries(rates).map(([name, percent]) => ({ name, percent: Decimal.parse(percent) }));
    const input = { rates: named, exempt: exempt ?? false, creditsTaxed: creditsTaxed ?? null, from: instantOf(from) };
    return world.get(CustomerTaxesService).set(world.tenantId, customer, input, 'the story');
  },
  rate: async ({ provider, model, from, input, output }, { world }) => {
    const prices = { input: Decimal.parse(input), output: Decimal.parse(output) };
    await world.get(CostRatesService).set(world.tenantId, { provider, model, currency: 'USD', validFrom: parseInstant(from), ...prices });
    await world.get(RecostingService).run(world.tenantId);
  },
  exchange: ({ rate, validFrom, ...pair }, { world }) =>
    world.get(ExchangeRatesService).set(world.tenantId, { ...pair, rate: Decimal.parse(rate), validFrom: parseInstant(validFrom) }),
  bill: (asOf, { world }) => world.bill(asOf),
  pay: async ({ invoice, at }, { world }) =>
    world.get(InvoicesService).pay(world.tenantId, (await numbered(invoice, world)).id, parseInstant(at), 'the story'),
  voidInvoice: async ({ invoice, at }, { world }) =>
    world.get(InvoicesService).voidInvoice(world.tenantId, (await numbered(invoice, world)).id, parseInstant(at), 'the story'),
  regenerate: async ({ invoice, at }, { world }) =>
    world.get(InvoiceRegeneration).regenerate(world.tenantId, (await numbered(invoice, world)).id, 'the story', parseInstant(at)),
  creditNote: async ({ invoice: number, amount, lines, at, ...note }, { world }) => {
    const invoice = await numbered(number, world);
    const credited = Object.entries(lines ?? {}).map(([name, value]) => ({ line: lineOf(invoice, name), amount: Decimal.parse(value) }));
    const what = amount === undefined ? { lines: credited } : { amount: Decimal.parse(amount) };
    const input = { ...note, ...what, invoice: invoice.id, at: parseInstant(at) };
    await world.get(CreditNotesService).create(world.tenantId, input, 'the story', parseInstant(at));
  },
};

/** Lets one step happen. */
export async function take({ note: _, ...step }: Step, telling: Telling): Promise<void> {
  const [[name, what] = [], ...others] = Object.entries(step);
  if (name === undefined || !(name in STEPS) || others.length > 0)
    throw new Error(`not one known thing happens in ${JSON.stringify(step)}`);
  await (STEPS[name as keyof Happenings] as (what: unknown, telling: Telling) => Promise<unknown>)(what, telling);
}

const usd = (amount: string): { amount: Decimal; currency: string } => ({ amount: Decimal.parse(amount), currency: 'USD' });

const instantOf = (text: string | undefined): Instant | null => (text === undefined ? null : parseInstant(text));

/** With the id of the subscription that it names. */
function naming({ names, ...event }: StoryEvent & { readonly names?: string }, telling: Telling): StoryEvent {
  return { ...event, ...(names === undefined ? {} : { subscription: named(names, telling) }) };
}

const named = (name: string, { subscriptions }: Telling): string => known(subscriptions, name);

function known(ids: ReadonlyMap<string, string>, name: string): string {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`nothing is called "${name}"`);
  return id;
}

function discountOf({ percentOff, amountOff, ...discount }: StoryDiscount): StoryDiscountInput {
  return {
    ...discount,
    percentOff: percentOff === undefined ? null : Decimal.parse(percentOff),
    amountOff: amountOff === undefined ? null : usd(amountOff),
  };
}

async function numbered(number: string, world: TestWorld): Promise<InvoiceView> {
  const { rows } = await world.get(InvoicesService).list(world.tenantId, { first: 500 });
  const invoice = rows.find((candidate) => candidate.number === number);
  if (invoice === undefined) throw new Error(`no invoice has the number "${number}"`);
  return invoice;
}

function lineOf({ number, lines }: InvoiceView, name: string): string {
  const line = lines.find(({ kind, priceKey }) => `${kind} ${priceKey ?? '-'}` === name);
  if (line === undefined) throw new Error(`${number ?? ''} has no line "${name}"`);
  return line.id;
}

/** Whatever is refused fails. */
async function correct(
  world: TestWorld,
  work: (service: CorrectionsService, author: CorrectionAuthor) => Promise<IngestResult>,
): Promise<void> {
  const { rejected } = await work(world.get(CorrectionsService), { actor: 'the story', reason: null });
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
}
