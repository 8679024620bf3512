import { CostRatesService } from '@tare/catalog';
import { CreditsService } from '@tare/credits';
import { Decimal, parseInstant } from '@tare/core';
import { RecostingService } from '@tare/costs';
import { CorrectionsService, type CorrectionAuthor, type IngestResult } from '@tare/usage';
import type { StoryEvent, TestWorld } from '../../libs/billing/world.fixture.ts';

/** A story while it is told. */
export interface Telling {
  readonly world: TestWorld;
  /** Ids by the names that the story uses. */
  readonly subscriptions: Map<string, string>;
}

interface Usage extends StoryEvent {
  readonly customer: string;
}

/** What can happen. A step has one of the fields; `note` says why it stands there, for readers. */
interface Happenings {
  /** `as`: how later steps call the subscription; the customer's key unless said. */
  readonly subscribe: {
    readonly customer: string;
    readonly plan: string;
    readonly from: string;
    readonly seats?: number;
    readonly overlap?: boolean;
    readonly discounts?: readonly { readonly key: string; readonly percentOff?: string; readonly periods?: number }[];
    readonly as?: string;
  };
  readonly use: Usage | readonly Usage[];
  /** Keys of events that are cancelled. */
  readonly void: readonly string[];
  /** Events that take the place of those with their keys. */
  readonly amend: readonly (Usage & { readonly key: string })[];
  readonly grant: { customer: string; key: string; credits: string; price?: string; effectiveAt: string; expiresAt?: string };
  readonly change: { readonly subscription: string; readonly to: string; readonly at: string };
  readonly cancel: { readonly subscription: string; readonly at: string; readonly immediately?: boolean };
  /** What a model costs per million tokens, in USD; stored events are costed with it at once. */
  readonly rate: {
    readonly provider: string;
    readonly model: string;
    readonly from: string;
    readonly input: string;
    readonly output: string;
  };
  /** Runs billing as of this time. */
  readonly bill: string;
}

export type Step = Partial<Happenings> & { readonly note?: string };

type Steps = { readonly [Name in keyof Happenings]: (what: Happenings[Name], telling: Telling) => Promise<unknown> };

const STEPS: Steps = {
  subscribe: async ({ customer, plan, from, seats, overlap, discounts, as }, { world, subscriptions }) => {
    const exact = (discounts ?? []).map(({ percentOff, ...discount }) => ({
      ...discount,
      percentOff: percentOff ? Decimal.parse(percentOff) : null,
    }));
    const more = { discounts: exact, ...(seats ? { seats } : {}), ...(overlap ? { overlap } : {}) };
    subscriptions.set(as ?? customer, await world.subscribe(customer, plan, from, more));
  },
  use: async (usage, { world }) => {
    for (const { customer, ...event } of [usage].flat()) await world.use(customer, event);
  },
  void: (keys, { world }) => correct(world, (service, author) => service.voidEvents(world.tenantId, keys, author)),
  amend: (events, { world }) =>
    correct(world, (service, author) =>
      service.amendEvents(
        world.tenantId,
        events.map((event) => ({ type: 'request', ...event })),
        author,
      ),
    ),
  grant: ({ customer, key, credits, price, effectiveAt, expiresAt }, { world }) =>
    world.get(CreditsService).grant(world.tenantId, {
      customer,
      key,
      credits: Decimal.parse(credits),
      price: price ? { amount: Decimal.parse(price), currency: 'USD' } : null,
      effectiveAt: parseInstant(effectiveAt),
      expiresAt: expiresAt ? parseInstant(expiresAt) : null,
    }),
  change: ({ subscription, to, at }, telling) => telling.world.change(named(subscription, telling), to, at),
  cancel: ({ subscription, at, immediately }, telling) => telling.world.cancel(named(subscription, telling), at, immediately ?? false),
  rate: async ({ provider, model, from, input, output }, { world }) => {
    const prices = { input: Decimal.parse(input), output: Decimal.parse(output) };
    await world.get(CostRatesService).set(world.tenantId, { provider, model, currency: 'USD', validFrom: parseInstant(from), ...prices });
    await world.get(RecostingService).run(world.tenantId);
  },
  bill: (asOf, { world }) => world.bill(asOf),
};

/** Lets one step happen. */
export async function take({ note: _, ...step }: Step, telling: Telling): Promise<void> {
  const [[name, what] = [], ...others] = Object.entries(step);
  if (name === undefined || !(name in STEPS) || others.length > 0)
    throw new Error(`not one known thing happens in ${JSON.stringify(step)}`);
  await (STEPS[name as keyof Happenings] as (what: unknown, telling: Telling) => Promise<unknown>)(what, telling);
}

function named(name: string, { subscriptions }: Telling): string {
  const id = subscriptions.get(name);
  if (id === undefined) throw new Error(`no subscription is called "${name}"`);
  return id;
}

/** Whatever is refused fails. */
async function correct(
  world: TestWorld,
  work: (service: CorrectionsService, author: CorrectionAuthor) => Promise<IngestResult>,
): Promise<void> {
  const { rejected } = await work(world.get(CorrectionsService), { actor: 'the story', reason: null });
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
}
