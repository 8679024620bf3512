import type { Seeded } from '../oracle/seeded.ts';
import type { Step } from '../scenarios/steps.ts';
import type { Story } from '../scenarios/story.ts';
import { amount, randomCatalogue, type Catalogue } from './random-plans.ts';

/** From January 1, 2026 on. */
const FIRST = Date.UTC(2026, 0, 1);
const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const DAYS = 150;
/** Days of 23 and 25 hours, of quarters of an hour, half an hour of summer time, and a summer that stops for a month. */
const ZONES = [
  'UTC',
  'America/New_York',
  'Asia/Kathmandu',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'America/St_Johns',
];

type At = (least: number, most: number) => number;
type Add = (when: number, step: Step) => void;

/** What the parts of a story share. */
interface Course {
  readonly random: Seeded;
  /** A time between two days of the story, in milliseconds from the first instant of it. */
  readonly at: At;
  readonly add: Add;
  readonly catalogue: Catalogue;
  /** Subscriptions by their names. */
  readonly subscriptions: readonly string[];
}

/** A story that nobody thought of: a customer, plans, usage, changes of everything that can change, and billing runs, in the order of time. */
export function randomStory(random: Seeded): Story {
  const start = random.whole(0, 31 * 24) * 3_600_000 + (random.chance(30) ? random.whole(0, 3_599) * SECOND_MS : 0);
  const at = (least: number, most: number): number => start + Math.round((random.whole(least * 1_000, most * 1_000) / 1_000) * DAY_MS);
  const catalogue = randomCatalogue(random, () => text(at(5, DAYS - 30)));
  const steps: { at: number; step: Step }[] = [];
  const add = (when: number, step: Step): void => void steps.push({ at: when, step });
  const subscriptions = random.chance(25) ? ['acme', 'second'] : ['acme'];
  const course: Course = { random, at, add, catalogue, subscriptions };
  subscribe(course, start);
  for (let index = random.whole(3, 25); index > 0; index -= 1) event(course, `e${index}`);
  for (let index = random.whole(0, random.pick([4, 8])); index > 0; index -= 1) change(course);
  for (let month = 0; month <= DAYS / 30; month += 1) {
    const runs = random.chance(20) ? [] : [at(month * 30, month * 30 + 29), at(month * 30, month * 30 + 29)];
    for (const when of runs) add(when, { bill: text(when) });
  }
  add(start + (DAYS + 5) * DAY_MS, { bill: text(start + (DAYS + 5) * DAY_MS) });
  corrections(course);
  if (catalogue.plans.some(({ kind }) => kind === 'CREDIT')) credits(course);
  costs(course, start);
  steps.sort((a, b) => a.at - b.at);
  return {
    title: 'a random story',
    about: '',
    meters: catalogue.meters,
    plans: catalogue.plans,
    customers: [{ key: 'acme', timeZone: random.pick(ZONES) }],
    story: [...taxes(course), ...steps.map(({ step }) => step), ...ending(course, start)],
    invoices: { acme: [] },
  };
}

/** Long after everything that happens: nothing is left to be billed. */
function ending({ subscriptions }: Course, start: number): Step[] {
  const end = start + (DAYS + 70) * DAY_MS;
  const cancels = subscriptions.map((subscription) => ({ cancel: { subscription, at: text(end), immediately: true } }));
  return [...cancels, { bill: text(end + DAY_MS) }, { bill: text(end + 2 * DAY_MS) }];
}

const text = (ms: number): string => new Date(FIRST + ms).toISOString();

/** Sometimes only when usage has come and time has been billed: backdated. */
function subscribe(course: Course, start: number): void {
  const { random, at, add, catalogue, subscriptions } = course;
  const asked = random.chance(15) ? start + random.whole(1, 60) * DAY_MS : start;
  const seats = random.whole(1, 5);
  const given = { seats, discounts: discounts(course) };
  add(asked, { subscribe: { customer: 'acme', plan: 'small', from: text(start), ...given } });
  if (subscriptions.length === 1) return;
  const from = at(0, 60);
  const plan = random.pick(['small', 'large']);
  add(from, { subscribe: { customer: 'acme', plan, from: text(from), overlap: true, as: 'second', seats: random.whole(1, 3) } });
  const licensed = catalogue.plans[1].kind === 'SITE_LICENSE';
  if (licensed && random.chance(30)) add(from + DAY_MS, { cancel: { subscription: 'second', at: text(from + DAY_MS) } });
}

/** Usage of any meter, at its time or up to two months late; some of it is voided, or takes another quantity. */
function event({ random, at, add, subscriptions }: Course, key: string): void {
  const when = at(0, DAYS - 30);
  const arrives = random.chance(20) ? when + random.whole(1, 60) * DAY_MS : when;
  const used = { customer: 'acme', key, at: text(when), ...usage(random), ...naming(random, subscriptions) };
  add(arrives, { use: used });
  if (random.chance(10)) add(arrives + random.whole(1, 50) * DAY_MS, { void: [key] });
  else if (random.chance(8)) add(arrives + random.whole(1, 50) * DAY_MS, { amend: [{ ...used, ...usage(random) }] });
}

/** Of the events that name a subscription, some name one that has not begun, has ended, or is none at all (SEMANTICS 3.6). */
function naming(random: Seeded, subscriptions: readonly string[]): { names?: string; subscription?: string } {
  if (random.chance(70)) return {};
  return random.chance(80) ? { names: random.pick(subscriptions) } : { subscription: '00000000-0000-4000-8000-000000000000' };
}

function usage(random: Seeded): { readonly type: string } & Record<string, unknown> {
  const type = random.pick(['query', 'query', 'image', 'image', 'payment', 'call']);
  const model = random.pick(['a', 'b', 'c']);
  if (type === 'payment') return { type, model, properties: { amount: random.decimal(3, 2) } };
  if (type === 'call') return { type, ...call(random) };
  return { type, model, quantity: random.decimal(3, 2), user: random.pick(['ann', 'bob', 'cem', 'dia']) };
}

/** Its cost comes with it, is known by a rate, gets known late, or never. */
function call(random: Seeded): Record<string, unknown> {
  const model = random.pick(['alpha', 'alpha', 'mystery']);
  const tokens = { input: String(random.whole(1, 4_000_000)), output: String(random.whole(0, 900_000)) };
  const reported = random.chance(30) ? { reportedCost: { amount: random.decimal(2, 6), currency: 'USD' } } : {};
  return { provider: 'own', model, tokens, ...reported };
}

function costs({ random, at, add }: Course, start: number): void {
  const rate = (model: string, input: string): Step => ({
    rate: { provider: 'own', model, from: '2025-12-01T00:00:00Z', input, output: random.pick(['8', '2.5']) },
  });
  add(random.chance(80) ? start : at(10, DAYS), rate('alpha', random.pick(['2', '0.15'])));
  if (random.chance(70)) add(at(20, DAYS), rate('mystery', '4'));
}

function taxes({ random, at, catalogue }: Course): Step[] {
  if (!random.chance(30)) return [];
  const rates = random.pick([{ VAT: '19' }, { VAT: '7.7' }, { state: '6.25', city: '1.875' }]);
  const atUse = catalogue.plans.some(({ kind }) => kind === 'CREDIT') && random.chance(40) ? { creditsTaxed: 'AT_USE' as const } : {};
  const first: Step = { tax: { customer: 'acme', rates, ...atUse } };
  return random.chance(25) ? [first, { tax: { customer: 'acme', rates: {}, exempt: true, from: text(at(20, DAYS)) } }] : [first];
}

function discounts(course: Course): DiscountOf[] {
  return Array.from({ length: course.random.whole(0, 2) }, (_, index) => discount(course, `d${index}`));
}

type DiscountOf = NonNullable<NonNullable<Step['subscribe']>['discounts']>[number];

function discount({ random, catalogue }: Course, key: string): DiscountOf {
  const named = (catalogue.plans[0].prices ?? []).map((price) => price.key);
  const scopes = [{ appliesTo: random.pick(['FEES', 'USAGE'] as const) }, ...(named.length > 0 ? [{ prices: [random.pick(named)] }] : [])];
  const scope = random.chance(35) ? random.pick(scopes) : {};
  const periods = random.chance(40) ? { periods: random.whole(1, 3) } : {};
  const isAmount = catalogue.isInUsd && random.chance(40);
  const what = isAmount
    ? { amountOff: amount(random), ...(random.chance(40) ? { carriesOn: true } : {}) }
    : { percentOff: random.pick(['10', '33.3', '100']) };
  return { key, ...scope, ...periods, ...what };
}

function change(course: Course): void {
  const { random, at, add, subscriptions } = course;
  const when = at(1, DAYS - 20);
  const common = { subscription: random.pick(subscriptions), at: text(when) };
  switch (random.whole(0, 9)) {
    case 0:
    case 1:
      return add(when, { change: { ...common, to: random.pick(['small', 'large']) } });
    case 2:
      return add(when, { seats: { ...common, seats: random.whole(1, 8), immediately: random.chance(30) } });
    case 3:
    case 4: {
      add(when, { addOn: { ...common, addOn: 'extra', quantity: random.whole(1, 3) } });
      const later = when + random.whole(1, 50) * DAY_MS;
      const removed = { ...common, at: text(later), addOn: 'extra', immediately: random.chance(50) };
      return random.chance(60) ? add(later, { removeAddOn: removed }) : undefined;
    }
    case 5: {
      const back = when + random.whole(1, 40) * DAY_MS;
      if (random.chance(30)) return add(when, { pause: { ...common, resumesAt: text(back) } });
      add(when, { pause: common });
      return add(back, { resume: { ...common, at: text(back) } });
    }
    case 6:
      return cancel(course, when, common);
    case 7:
      return agree(course, when, common);
    case 8:
      return reduce(course, when, common);
    default:
      return random.chance(60) ? migrate(course, when) : add(when, { trialEnd: { ...common, trialEndsAt: text(at(5, 60)) } });
  }
}

interface Common {
  readonly subscription: string;
  readonly at: string;
}

function cancel({ random, add }: Course, when: number, common: Common): void {
  if (!random.chance(50)) return;
  const endsAt = random.chance(25) ? { endsAt: text(when + random.whole(1, 40) * DAY_MS) } : { immediately: random.chance(40) };
  add(when, { cancel: { ...common, ...endsAt, creditUnused: random.chance(40) } });
  const later = when + random.whole(1, 10) * DAY_MS;
  if (random.chance(30)) add(later, { uncancel: { subscription: common.subscription, at: text(later) } });
}

/** A price of their own, for good or for some time. */
function agree({ random, at, add, catalogue }: Course, when: number, common: Common): void {
  const prices = catalogue.plans[random.whole(0, 1)]?.prices ?? [];
  if (prices.length === 0) return;
  const price = random.pick(prices);
  const terms =
    price.model === 'FLAT'
      ? { amount: amount(random) }
      : price.unitPrice != null && price.groupBy == null && random.chance(60)
        ? { unitPrice: random.pick(['0.02', '0.9', '0.125']) }
        : random.pick([{ maximumAmount: '45' }, { minimumAmount: '4' }, { includedQuantity: '60' }]);
  const until = random.chance(40) ? { validUntil: text(at(DAYS - 60, DAYS)) } : {};
  add(when, { agree: { ...common, overrides: [{ price: price.key, ...terms, ...until }] } });
  if (!random.chance(25)) return;
  const later = when + random.whole(5, 50) * DAY_MS;
  add(later, { disagree: { ...common, at: text(later), prices: [price.key] } });
}

/** Discounts that come later: of the subscription, of the customer, or by a coupon; and that end. */
function reduce(course: Course, when: number, { subscription, at }: Common): void {
  const { random, add } = course;
  const given = discount(course, `later ${random.whole(1, 99)}`);
  const ended = when + random.whole(5, 60) * DAY_MS;
  switch (random.whole(0, 2)) {
    case 0:
      add(when, { discount: { subscription, at, discount: given } });
      return random.chance(30) ? add(ended, { endDiscount: { subscription, at: text(ended), key: given.key } }) : undefined;
    case 1:
      add(when, { customerDiscount: { customer: 'acme', at, discount: given } });
      return random.chance(30) ? add(ended, { endCustomerDiscount: { customer: 'acme', at: text(ended), key: given.key } }) : undefined;
    default:
      add(when, { coupon: given });
      return add(when, { redeem: { subscription, coupon: given.key, at } });
  }
}

function migrate({ random, add, catalogue }: Course, when: number): void {
  add(when, { publish: catalogue.next });
  add(when, { migrate: { plan: 'small', fromVersion: 1, timing: random.pick(['NOW', 'RENEWAL'] as const), at: text(when) } });
}

/** Credits that are given or bought, and purchases that are paid. */
function credits({ random, at, add, catalogue }: Course): void {
  for (let index = random.whole(0, 3); index > 0; index -= 1) {
    const when = at(0, DAYS - 20);
    const [key, from] = [`credits ${index}`, text(when)];
    const expiresAt = random.chance(50) ? { expiresAt: text(when + random.whole(5, 90) * DAY_MS) } : {};
    const given = { customer: 'acme', key, credits: String(random.whole(1, 800)) };
    if (random.chance(50))
      add(when, { grant: { ...given, effectiveAt: from, ...expiresAt, ...(random.chance(50) ? { price: '12.34' } : {}) } });
    else if (catalogue.isInUsd) add(when, { buy: { ...given, price: random.decimal(2, 2), at: from } });
  }
  for (let index = random.whole(0, 3); index > 0; index -= 1) {
    const when = at(5, DAYS);
    add(when, { pay: { invoice: numbered(random), at: text(when) } });
    if (random.chance(50)) add(when, { draw: { customer: 'acme', at: text(when) } });
  }
}

const numbered = (random: Seeded): string => `TARE-00000${random.whole(1, random.pick([2, 4, 9]))}`;

/** Of an invoice that may not be there: then nothing happens. */
function corrections({ random, at, add, catalogue }: Course): void {
  if (random.chance(30)) {
    const when = at(30, DAYS);
    const note = { invoice: numbered(random), reason: 'A favour', at: text(when) };
    const line = random.pick([
      ...(catalogue.plans[0].prices ?? []).map(({ key, model }) => `${model === 'FLAT' ? 'FEE' : 'USAGE'} ${key}`),
      'FEE fee',
    ]);
    const what = random.chance(60) ? { amount: String(random.whole(1, 20)) } : { lines: { [line]: random.decimal(1, 0) } };
    add(when, { creditNote: { ...note, ...what } });
  }
  if (!random.chance(25)) return;
  const [when, invoice] = [at(30, DAYS), numbered(random)];
  add(when, { voidInvoice: { invoice, at: text(when) } });
  if (random.chance(80)) add(when + DAY_MS, { regenerate: { invoice, at: text(when + DAY_MS) } });
}
