import { Decimal } from '@tare/core';
import { PRORATIONS_DECIDED_DIFFERENTLY } from '../../libs/core/invoicing/examples-decided-differently.ts';
import { readProrationExamples, type ProrationExample } from '../../libs/core/invoicing/proration-examples.fixture.ts';
import { dueOf, ExampleCompany, type ToldLine } from './example-company.fixture.ts';
import { startTare, type RunningTare } from './running-tare.ts';

/** The shared examples of parts of a period through the public API: plans, subscriptions, changes, billing runs, invoices. Each has a tenant of its own. */
const found = readProrationExamples();
const withExamples = found === null ? describe.skip : describe;
const examples = (found ?? []).filter(({ id }) => PRORATIONS_DECIDED_DIFFERENTLY[id] === undefined);
const DAY_MS = 86_400_000;
const YEAR_MONTHS = 12;

const CHANGE = 'mutation ($input: ChangeSubscriptionInput!) { changeSubscription(input: $input) { id } }';
const CANCEL =
  'mutation ($subscription: ID!, $at: DateTime!) { cancelSubscription(subscription: $subscription, at: $at, immediately: true, creditUnused: true) { id } }';
const ADD = 'mutation ($subscription: ID!, $at: DateTime!) { addAddOn(subscription: $subscription, addOn: "item", at: $at) { id } }';
const REMOVE =
  'mutation ($subscription: ID!, $at: DateTime!) { removeAddOn(subscription: $subscription, addOn: "item", at: $at, immediately: true) { id } }';

const time = (text: unknown): number => Date.parse(String(text).includes('T') ? String(text) : `${String(text)}T00:00:00Z`);
const written = (ms: number): string => new Date(ms).toISOString();
const money = (cents: unknown): string => Decimal.parse(String(cents)).times(Decimal.parse('0.01')).toString();
const exact = (value: unknown): string => Decimal.parse(String(value)).toString();
const lineSum = (lines: readonly ToldLine[], kind: string): string => dueOf(lines.filter((line) => line.kind === kind)).toString();
const cents = (amount: Decimal): string => amount.times(Decimal.parse('100')).toString();

/** The billing interval of a period: whole months from its start where it is that, else days. */
function intervalOf(start: number, end: number): Readonly<Record<string, unknown>> {
  for (let months = 1; months <= YEAR_MONTHS; months += 1) {
    const date = new Date(start);
    date.setUTCMonth(date.getUTCMonth() + months);
    if (date.getTime() === end)
      return months === YEAR_MONTHS ? { interval: 'YEAR', intervalCount: 1 } : { interval: 'MONTH', intervalCount: months };
  }
  return { interval: 'DAY', intervalCount: (end - start) / DAY_MS };
}

/** Calendar months, quarters and years that end at `end` and are that many days long. */
function calendarOf(end: number, days: number): Readonly<Record<string, unknown>> | null {
  const [last, isNew] = [new Date(end - days * DAY_MS), new Date(end)];
  const months = (isNew.getUTCFullYear() - last.getUTCFullYear()) * YEAR_MONTHS + isNew.getUTCMonth() - last.getUTCMonth();
  if (last.getUTCDate() !== 1 || isNew.getUTCDate() !== 1 || last.getUTCMonth() % months !== 0) return null;
  const interval = { 1: 'MONTH', 3: 'QUARTER', 12: 'YEAR' }[months];
  return interval === undefined ? null : { interval, alignment: 'CALENDAR' };
}

withExamples('the shared examples of parts of a period, through the public API', () => {
  let tare: RunningTare;
  beforeAll(async () => {
    tare = await startTare();
  }, 120_000);
  afterAll(() => tare.stop());

  const fee = (amount: unknown): object[] => [{ key: 'fee', model: 'FLAT', amount: String(amount) }];

  /** A subscription to a plan of `before` from the start of the period, which goes over to one of `after`. Zero is an item that is not there. */
  async function changed(
    { id, currency, period, change_at: at, ...example }: ProrationExample,
    amounts: [string, string],
  ): Promise<ToldLine[]> {
    const company = await ExampleCompany.found(tare, id);
    const [start, end] = [time(period?.start), time(period?.end)];
    const terms = { currency, ...intervalOf(start, end) };
    const [before, after] = amounts;
    const isItem = [before, after].some((amount) => Decimal.parse(amount).isZero());
    if (isItem) {
      await company.plan('base', terms);
      await company.plan('item', { ...terms, addOn: true, prices: fee(after === '0' ? before : after) });
      const addOns = before === '0' ? [] : [{ addOn: 'item' }];
      const subscription = await company.subscribe('base', written(start), { addOns });
      await company.client.graphql(before === '0' ? ADD : REMOVE, { subscription, at: written(time(at)) });
    } else {
      await company.plan('before', { ...terms, prices: fee(before) });
      await company.plan('after', { ...terms, prices: fee(after) });
      const subscription = await company.subscribe('before', written(start));
      const input = { subscription, plan: 'after', at: written(time(at ?? example.params['service_start'])), immediately: true };
      await company.client.graphql(CHANGE, { input });
    }
    await company.bill(written(end - 1));
    return company.lines();
  }

  /** What a fee of a period costs from `from` to its end, where the service begins in the middle of it. */
  async function begun(
    id: string,
    amount: string,
    whole: { start: number; end: number },
    from: number,
    currency = 'USD',
  ): Promise<ToldLine[]> {
    const company = await ExampleCompany.found(tare, id);
    const terms = { currency, ...intervalOf(whole.start, whole.end) };
    await company.plan('base', terms);
    await company.plan('item', { ...terms, addOn: true, prices: fee(amount) });
    const subscription = await company.subscribe('base', written(whole.start));
    await company.client.graphql(ADD, { subscription, at: written(from) });
    await company.bill(written(whole.end - 1));
    return company.lines();
  }

  /** What a fee costs that is cancelled inside of its period, the rest credited. */
  async function ended(
    id: string,
    amount: string,
    whole: { start: number; end: number },
    at: number,
    currency = 'USD',
  ): Promise<ToldLine[]> {
    const company = await ExampleCompany.found(tare, id);
    await company.plan('plan', { currency, ...intervalOf(whole.start, whole.end), prices: fee(amount) });
    const subscription = await company.subscribe('plan', written(whole.start));
    await company.client.graphql(CANCEL, { subscription, at: written(at) });
    await company.bill(written(whole.end + DAY_MS));
    return company.lines();
  }

  async function perChange(example: ProrationExample): Promise<void> {
    const { params, expected } = example;
    const isCents = params['old_cents'] !== undefined;
    const [before, after] = isCents
      ? [money(params['old_cents']), money(params['new_cents'])]
      : [String(params['old']), String(params['new'])];
    const lines = await changed(example, [before, after]);
    const [credit, charge] = [lineSum(lines, 'PRORATION_CREDIT'), lineSum(lines, 'PRORATION_CHARGE')];
    const told = isCents ? [cents(Decimal.parse(credit)), cents(Decimal.parse(charge))] : [credit, charge];
    const due = [expected['credit'] ?? expected['credit_cents'], expected['charge'] ?? expected['debit_cents']];
    // Some write a credit without its sign.
    const signed = [
      due[0] === undefined ? told[0] : exact(due[0]).replace(/^(?=\d)(?!0$)/, '-'),
      due[1] === undefined ? told[1] : exact(due[1]),
    ];
    expect(told).toEqual(signed);
    if (expected['net_cents'] !== undefined)
      expect(cents(Decimal.parse(credit).plus(Decimal.parse(charge)))).toBe(exact(expected['net_cents']));
  }

  /** A fee served for a part: from the middle to the end, or from the start to the middle. */
  async function perService({ id, currency, period, change_at: at, params, expected }: ProrationExample): Promise<void> {
    const whole = { start: time(period?.start), end: time(period?.end) };
    const amount = String(params['amount']);
    const [from, to] = [time(params['service_start'] ?? at), time(params['service_end'] ?? period?.end)];
    const lines = to === whole.end ? await begun(id, amount, whole, from, currency) : await ended(id, amount, whole, to, currency);
    expect(dueOf(lines).toString()).toBe(exact(expected['amount']));
  }

  /** Credits of a plan for the rest of its period, to as many decimals as the case has; nothing where it begins after the end. */
  async function perCredits({ id, period, change_at: at, params, expected }: ProrationExample): Promise<void> {
    const company = await ExampleCompany.found(tare, id);
    await company.plan('credits', { kind: 'CREDIT', alignment: 'CALENDAR', creditsPerInterval: params['amount'] });
    await company.subscribe('credits', written(time(at)));
    await company.bill(written(Math.max(time(period?.end), time(at)) + DAY_MS));
    const lines = (await company.lines()).filter((line) => line.kind === 'CREDITS' && time(line.periodStart) < time(period?.end));
    const credits = Decimal.sum(lines.map(({ quantity }) => Decimal.parse(quantity)));
    expect(credits.roundedTo(Number(params['round'])).toString()).toBe(exact(expected['amount']));
  }

  /** `n/of` of a period that ends with the service: of a fee of `of`, n is charged. */
  async function perShare({ id, period, expected }: ProrationExample): Promise<void> {
    const terms = expected['coefficient_terms'] ?? [];
    expect(terms).toHaveLength(1);
    const [n = '', of = ''] = terms[0]?.split('/') ?? [];
    const end = time(period?.end);
    const lines = await begun(id, of, { start: end - Number(of) * DAY_MS, end }, time(period?.start));
    expect(dueOf(lines).toString()).toBe(n);
  }

  /** An item is removed in its period; the same day something else is charged. */
  async function perRemoval({ id, period, change_at: at, params, expected }: ProrationExample): Promise<void> {
    const whole = { start: time(period?.start), end: time(period?.end) };
    const credit = dueOf((await ended(id, String(params['rate']), whole, time(at))).filter(({ kind }) => kind === 'PRORATION_CREDIT'));
    const other = await ExampleCompany.found(tare, `${id} beside it`);
    await other.plan('plan', { prices: fee(params['plus'] ?? '0') });
    await other.subscribe('plan', written(time(at)));
    await other.bill(written(time(at) + DAY_MS));
    expect(credit.plus(dueOf(await other.lines())).toString()).toBe(exact(expected['amount']));
  }

  /** `n` of `of` days, the last one included. What is there at the end of a calendar period began inside of it. */
  async function perDays({ id, currency, period, params, expected }: ProrationExample): Promise<void> {
    const [start, end] = [time(period?.start), time(period?.end) + DAY_MS];
    const [amount, days] = [money(params['amount_cents']), Number(params['of'])];
    const whole = { start: end - days * DAY_MS, end };
    const calendar = calendarOf(end, days);
    let lines: ToldLine[];
    if (calendar === null) {
      lines = await begun(id, amount, whole, start, currency);
    } else {
      const company = await ExampleCompany.found(tare, id);
      await company.plan('plan', { currency, ...calendar, prices: fee(amount) });
      await company.subscribe('plan', written(start));
      await company.bill(written(end - 1));
      lines = await company.lines();
    }
    expect(cents(dueOf(lines))).toBe(exact(expected['cents']));
    const precise = Decimal.sum(lines.map(({ exactAmount }) => Decimal.parse(exactAmount)));
    if (expected['precise_cents'] !== undefined)
      expect(cents(precise.roundedTo(10))).toBe(cents(Decimal.parse(money(expected['precise_cents'])).roundedTo(10)));
    // Time that is left is credited as time that is served is charged.
    const back = (await ended(`${id} ended`, amount, whole, start, currency)).filter(({ kind }) => kind === 'PRORATION_CREDIT');
    expect(cents(dueOf(back))).toBe(`-${exact(expected['cents'])}`);
  }

  /** Where periods of an anchor begin and end. */
  async function perAnchor({ id, period, params, expected }: ProrationExample): Promise<void> {
    const company = await ExampleCompany.found(tare, id);
    await company.plan('plan', { intervalCount: Number(params['months'] ?? 1), prices: fee('1') });
    await company.subscribe('plan', written(time(params['anchor'])));
    const now = expected['boundaries'] === undefined ? time(params['now'] ?? params['current_start']) : time(period?.end) - 1;
    await company.bill(written(now));
    const lines = await company.lines();
    if (expected['boundaries'] !== undefined)
      expect(lines.map(({ periodStart }) => periodStart.slice(0, 10))).toEqual(expected['boundaries']);
    else expect(time(lines.at(-1)?.periodEnd)).toBe(time(expected['next']));
  }

  /** Days between two instants are the midnights of the zone between them: a plan that is billed by the calendar day begins so many periods. */
  async function perMidnight({ id, period, params, expected }: ProrationExample): Promise<void> {
    const company = await ExampleCompany.found(tare, id, String(params['timezone']));
    await company.plan('daily', { interval: 'DAY', alignment: 'CALENDAR', prices: fee('1') });
    await company.subscribe('daily', written(time(period?.start)));
    await company.bill(written(time(period?.end) + DAY_MS));
    const begins = (await company.lines()).map(({ periodStart }) => time(periodStart));
    const days = begins.filter((begin) => begin > time(period?.start) && begin <= time(period?.end)).length;
    expect(String(days)).toBe(expected['local_days'] ?? expected['days']);
  }

  function agree(example: ProrationExample): Promise<void> {
    const { method, params, expected } = example;
    if (method === 'calendar_anchor') return perAnchor(example);
    if (method.startsWith('day_count')) return perMidnight(example);
    if (method === 'day_inclusive_boundaries') return perDays(example);
    if (expected['coefficient_terms'] !== undefined) return perShare(example);
    if (params['rate'] !== undefined) return perRemoval(example);
    if (params['amount'] === undefined) return perChange(example);
    return example.currency === 'CREDITS' ? perCredits(example) : perService(example);
  }

  test('those of another rule are the only ones that are not told here', () => {
    expect((found ?? []).length - examples.length).toBe(Object.keys(PRORATIONS_DECIDED_DIFFERENTLY).length);
    expect(examples.length).toBeGreaterThanOrEqual(20);
  });

  test.each(examples.map((example) => [example.id, example] as const))(
    'invoices agree with %s',
    async (_id, example) => {
      expect.hasAssertions();
      await agree(example);
    },
    60_000,
  );
});
