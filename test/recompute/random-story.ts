import type { PlanInput, PriceInput } from '@tare/core';
import type { Seeded } from '../oracle/seeded.ts';
import type { Step } from '../scenarios/steps.ts';
import type { Story } from '../scenarios/story.ts';

/** From January 1, 2026 on. */
const FIRST = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;
const DAYS = 150;
const ZONES = ['UTC', 'America/New_York', 'Asia/Kathmandu', 'Europe/Berlin'];

/** A story that nobody thought of: a customer, plans, usage, changes of everything that can change, and billing runs, in the order of time. */
export function randomStory(random: Seeded): Story {
  const currency = random.chance(85) ? 'USD' : 'JPY';
  const terms = { currency, alignment: random.pick(['CALENDAR', 'ANNIVERSARY'] as const) };
  const prices = usagePrices(random);
  const base: Partial<PlanInput> = {
    ...terms,
    ...(random.chance(25) ? { minimumCommitment: String(random.whole(20, 400)) } : {}),
    ...(random.chance(25) ? { invoiceThreshold: String(random.whole(20, 200)) } : {}),
    ...(random.chance(15) ? { trialDays: random.whole(1, 20) } : {}),
  };
  const plans = ['small', 'large'].map((key) => ({
    ...base,
    key,
    kind: 'SUBSCRIPTION' as const,
    ...(base.minimumCommitment && random.chance(30) ? { commitmentIntervals: 3 } : {}),
    prices: [...fees(random), ...(random.chance(70) ? prices : usagePrices(random))],
  }));
  const addOn = { ...terms, key: 'extra', kind: 'SUBSCRIPTION' as const, addOn: true, prices: [flat('fee', amount(random), random)] };
  const steps: { at: number; step: Step }[] = [];
  const start = random.whole(0, 25 * 24) * 3_600_000;
  const at = (least: number, most: number): number => start + Math.round((random.whole(least * 1_000, most * 1_000) / 1_000) * DAY_MS);
  const add = (when: number, step: Step): void => void steps.push({ at: when, step });
  for (let index = random.whole(3, 25); index > 0; index -= 1) {
    const when = at(0, DAYS - 30);
    const arrives = random.chance(20) ? when + random.whole(1, 60) * DAY_MS : when;
    const event = {
      customer: 'acme',
      key: `e${index}`,
      type: random.pick(['query', 'image']),
      at: text(when),
      quantity: random.decimal(3, 2),
    };
    add(arrives, { use: { ...event, model: random.pick(['a', 'b', 'c']), ...nameIn(index) } });
    if (random.chance(10)) add(arrives + random.whole(1, 50) * DAY_MS, { void: [event.key] });
  }
  for (let index = random.whole(0, 4); index > 0; index -= 1) changes(random, at, add);
  for (let month = 0; month <= DAYS / 30; month += 1) {
    const runs = random.chance(20) ? [] : [at(month * 30, month * 30 + 29), at(month * 30, month * 30 + 29)];
    for (const when of runs) add(when, { bill: text(when) });
  }
  add(start + (DAYS + 5) * DAY_MS, { bill: text(start + (DAYS + 5) * DAY_MS) });
  corrections(random, at, add);
  steps.sort((a, b) => a.at - b.at);
  const subscribe = {
    customer: 'acme',
    plan: 'small',
    from: text(start),
    seats: random.whole(1, 5),
    discounts: discounts(random, currency),
  };
  // Takes nothing but what names it, and what the other one leaves after its end.
  const beside = { customer: 'acme', plan: 'large', from: text(start + 20 * DAY_MS), overlap: true, as: 'beside' };
  return {
    title: 'a random story',
    about: '',
    meters: [{ key: 'query' }, { key: 'image', aggregation: random.pick(['SUM', 'MAX', 'COUNT', 'LATEST']) }],
    plans: [...plans, addOn],
    customers: [{ key: 'acme', timeZone: random.pick(ZONES) }],
    story: [
      ...(random.chance(30) ? [{ tax: { customer: 'acme', rates: { VAT: '19' } } }] : []),
      { subscribe },
      { subscribe: beside },
      ...steps.map(({ step }) => step),
      ...ending(start),
    ],
    invoices: { acme: [] },
  };
}

/** Long after everything that happens: nothing is left to be billed. */
function ending(start: number): Step[] {
  const end = start + (DAYS + 70) * DAY_MS;
  const cancel = { subscription: 'acme', at: text(end), immediately: true };
  return [{ cancel }, { cancel: { ...cancel, subscription: 'beside' } }, { bill: text(end + DAY_MS) }, { bill: text(end + 2 * DAY_MS) }];
}

/** Of the events that name a subscription, some name one that has not begun, has ended, or is none at all (SEMANTICS 3.6). */
function nameIn(index: number): { names?: string; subscription?: string } {
  switch (index % 5) {
    case 0:
      return { names: 'acme' };
    case 1:
      return { names: 'beside' };
    case 2:
      return { subscription: '00000000-0000-4000-8000-000000000000' };
    default:
      return {};
  }
}

const text = (ms: number): string => new Date(FIRST + ms).toISOString();

const amount = (random: Seeded): string => (random.chance(50) ? String(random.whole(1, 300)) : random.decimal(3, 2));

function flat(key: string, of: string, random: Seeded): PriceInput {
  const perSeat = random.chance(40);
  return { key, model: 'FLAT', amount: of, perSeat, timing: random.chance(80) ? 'IN_ADVANCE' : 'IN_ARREARS' };
}

function fees(random: Seeded): PriceInput[] {
  return Array.from({ length: random.whole(0, 2) }, (_, index) => flat(`fee ${index}`, amount(random), random));
}

function usagePrices(random: Seeded): PriceInput[] {
  return (random.chance(40) ? ['query'] : ['query', 'image']).map((meter) => {
    const bounds = {
      ...(random.chance(30) ? { includedQuantity: String(random.whole(1, 500)) } : {}),
      ...(random.chance(20) ? { minimumAmount: String(random.whole(1, 50)) } : {}),
      ...(random.chance(20) ? { maximumAmount: String(random.whole(60, 500)) } : {}),
    };
    const rollover = bounds.includedQuantity !== undefined && random.chance(60) ? rolling(random) : {};
    const price = {
      key: meter,
      meter,
      ...bounds,
      ...rollover,
      ...(bounds.includedQuantity === undefined ? {} : { prorateIncluded: random.chance(30) }),
    };
    const unitPrice = random.pick(['0.01', '0.5', '0.333', '1.005']);
    switch (random.whole(0, 3)) {
      case 0:
        return { ...price, model: 'PACKAGE', packageSize: String(random.whole(1, 100)), packagePrice: String(random.whole(1, 9)) };
      case 1:
        return { ...price, model: random.pick(['GRADUATED', 'VOLUME'] as const), tiers: tiers(random) };
      case 2:
        return {
          ...price,
          model: 'PER_UNIT',
          unitPrice,
          groupBy: 'model',
          groups: [{ in: ['a', 'b'], unitPrice: '0.07', ...(random.chance(50) ? { minimumAmount: '3' } : {}) }],
        };
      default:
        return { ...price, model: 'PER_UNIT', unitPrice };
    }
  });
}

function rolling(random: Seeded): Partial<PriceInput> {
  return {
    rollover: true,
    ...(random.chance(40) ? { rolloverMaximum: String(random.whole(1, 600)) } : {}),
    ...(random.chance(40) ? { rolloverPeriods: random.whole(1, 2) } : {}),
  };
}

function tiers(random: Seeded): PriceInput['tiers'] {
  const first = random.whole(1, 200);
  return [
    { upTo: String(first), unitPrice: '1', flatFee: random.pick(['0', '2.5']) },
    { upTo: String(first + random.whole(1, 300)), unitPrice: '0.25', flatFee: random.pick(['0', '1']) },
    { unitPrice: '0.1' },
  ];
}

function discounts(random: Seeded, currency: string) {
  return Array.from({ length: random.whole(0, 2) }, (_, index) => {
    const scope = random.chance(25) ? { appliesTo: random.pick(['FEES', 'USAGE'] as const) } : {};
    const periods = random.chance(40) ? { periods: random.whole(1, 3) } : {};
    const isAmount = currency === 'USD' && random.chance(40);
    const what = isAmount
      ? { amountOff: amount(random), ...(random.chance(40) ? { carriesOn: true } : {}) }
      : { percentOff: random.pick(['10', '33.3', '100']) };
    return { key: `d${index}`, ...scope, ...periods, ...what };
  });
}

type At = (least: number, most: number) => number;
type Add = (when: number, step: Step) => void;

function changes(random: Seeded, at: At, add: Add): void {
  const when = at(1, DAYS - 20);
  const common = { subscription: 'acme', at: text(when) };
  switch (random.whole(0, 5)) {
    case 0:
      return add(when, { change: { ...common, to: random.pick(['small', 'large']) } });
    case 1:
      return add(when, { seats: { ...common, seats: random.whole(1, 8), immediately: random.chance(30) } });
    case 2:
      return add(when, { addOn: { ...common, addOn: 'extra', quantity: random.whole(1, 3) } });
    case 3:
      return add(when, { removeAddOn: { ...common, addOn: 'extra', immediately: random.chance(50) } });
    case 4: {
      add(when, { pause: common });
      const back = when + random.whole(1, 40) * DAY_MS;
      return add(back, { resume: { ...common, at: text(back) } });
    }
    default:
      return random.chance(40)
        ? add(when, { cancel: { ...common, immediately: random.chance(40), creditUnused: random.chance(40) } })
        : undefined;
  }
}

/** Of an invoice that may not be there: then nothing happens. */
function corrections(random: Seeded, at: At, add: Add): void {
  const numbered = (): string => `TARE-00000${random.whole(1, 6)}`;
  if (random.chance(30)) {
    const when = at(30, DAYS);
    add(when, { creditNote: { invoice: numbered(), amount: String(random.whole(1, 20)), reason: 'A favour', at: text(when) } });
  }
  if (!random.chance(25)) return;
  const [when, invoice] = [at(30, DAYS), numbered()];
  add(when, { voidInvoice: { invoice, at: text(when) } });
  add(when + DAY_MS, { regenerate: { invoice, at: text(when + DAY_MS) } });
}
