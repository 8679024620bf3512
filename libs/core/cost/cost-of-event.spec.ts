import fc from 'fast-check';
import { Decimal } from '../money/index.ts';
import { MICROS_PER_HOUR, parseInstant } from '../time/index.ts';
import { NO_TOKENS, parseTokens } from '../usage/index.ts';
import { closePoolHour, costPerMillion, hourlyCostOf, poolDirectCost } from './capacity-pool.ts';
import type { PoolCostInput, PoolRate } from './capacity-pool.ts';
import { disagreements, suspiciousMoves } from './compare-rates.ts';
import { costOfEvent, isCostBearing } from './cost-of-event.ts';
import type { CostSources } from './cost-of-event.ts';
import type { CostFacts, CostRate } from './cost-rate.ts';
import { selectRate } from './select-rate.ts';
import { parseCostRate } from './validate-cost-rate.ts';
import type { CostRateInput } from './validate-cost-rate.ts';

const dec = (text: string) => Decimal.parse(text);
const at = parseInstant('2026-03-10T12:00:00Z');

function rate(id: string, fields: Partial<CostRateInput> & Partial<Pick<CostRate, 'recordedAt' | 'disputed'>> = {}): CostRate {
  const { recordedAt = 0, disputed = false, ...input } = fields;
  const terms = parseCostRate({ provider: 'openai', model: 'gpt', currency: 'USD', validFrom: 0, input: '1', output: '2', ...input });
  return { ...terms, id, recordedAt, disputed, source: 'test' };
}

function facts(fields: Partial<Omit<CostFacts, 'tokens'>> & { tokens?: object } = {}): CostFacts {
  const { tokens = null, ...rest } = fields;
  return {
    ...{
      at,
      provider: 'openai',
      model: 'gpt',
      serviceTier: null,
      region: null,
      pool: null,
      quantity: Decimal.ZERO,
      gpuSeconds: Decimal.ZERO,
    },
    ...{ tokens: parseTokens(tokens) ?? NO_TOKENS, hasTokens: tokens !== null },
    ...rest,
  };
}

const nothing: CostSources = { reportedCost: null, ownRates: [], catalogueRates: [], pool: null };
const pool: PoolRate = { id: 'pool-1', hourlyCost: dec('3.60'), currency: 'EUR', tokensPerSecond: dec('2800') };

function cost(sources: Partial<CostSources>, of: CostFacts): unknown {
  return JSON.parse(JSON.stringify(costOfEvent({ ...nothing, ...sources }, of)));
}

describe('where the cost of an event comes from', () => {
  const usage = facts({ tokens: { input: 1_000_000 } });
  const own = rate('own', { input: '0.5' });
  const catalogue = rate('catalogue');

  test('9.1 reported cost goes before the own rate, the own rate before the catalogue', () => {
    const reportedCost = { amount: dec('0.7'), currency: 'EUR' };
    expect(cost({ reportedCost, ownRates: [own], catalogueRates: [catalogue] }, usage)).toEqual({
      ...{ state: 'REPORTED', amount: '0.7', currency: 'EUR', rateId: null, source: 'REPORTED' },
    });
    expect(cost({ ownRates: [own], catalogueRates: [catalogue] }, usage)).toEqual({
      ...{ state: 'PRICED', amount: '0.5', currency: 'USD', rateId: 'own', source: 'OWN_RATE' },
    });
    expect(cost({ catalogueRates: [catalogue] }, usage)).toEqual({
      ...{ state: 'PRICED', amount: '1', currency: 'USD', rateId: 'catalogue', source: 'CATALOGUE' },
    });
  });

  test('9.1 unknown cost is null and never 0', () => {
    const unpriced = { state: 'UNPRICED', amount: null, currency: null, rateId: null, source: null };
    expect(cost({}, usage)).toEqual(unpriced);
    expect(cost({ catalogueRates: [catalogue] }, facts({ tokens: { input: 5, cacheWrite5m: 1 } }))).toEqual(unpriced);
    expect(cost({ catalogueRates: [rate('other', { model: 'other' })] }, usage)).toEqual(unpriced);
  });

  test('9.1 a cost that was reported as 0 is known to be 0', () => {
    expect(cost({ reportedCost: { amount: Decimal.ZERO, currency: 'USD' } }, usage)).toMatchObject({ state: 'REPORTED', amount: '0' });
  });

  test('9.3 an own rate without a price for a part leaves the event unpriced: the catalogue is not what was agreed on', () => {
    const withWrites = rate('catalogue', { cacheWrite5m: '3' });
    expect(cost({ ownRates: [own], catalogueRates: [withWrites] }, facts({ tokens: { input: 5, cacheWrite5m: 1 } }))).toMatchObject({
      state: 'UNPRICED',
      amount: null,
    });
  });

  test('9.1 an event that names no provider, model, pool, tokens or GPU-seconds bears no cost', () => {
    const outcome = facts({ provider: null, model: null, quantity: dec('1') });
    expect(cost({ catalogueRates: [catalogue] }, outcome)).toMatchObject({ state: 'NOT_COST_BEARING', amount: null });
    const bearing = [{ provider: 'x' }, { model: 'x' }, { pool: 'x' }, { tokens: { input: 0 } }, { gpuSeconds: dec('1') }];
    expect(bearing.map((named) => isCostBearing(facts({ provider: null, model: null, ...named })))).toEqual(Array(5).fill(true));
  });

  test('9.4 busy GPU-seconds cost their share of the hour at once, tokens of a pool wait for the hour to close', () => {
    const onPool = { pool: 'h100', provider: null, model: 'llama' };
    expect(cost({ pool }, facts({ ...onPool, gpuSeconds: dec('10') }))).toEqual({
      ...{ state: 'PRICED', amount: '0.01', currency: 'EUR', rateId: 'pool-1', source: 'POOL' },
    });
    expect(cost({ pool }, facts({ ...onPool, tokens: { input: 5 } }))).toMatchObject({ state: 'PENDING', amount: null });
    expect(cost({ pool: { ...pool, tokensPerSecond: null } }, facts({ ...onPool, tokens: { input: 5 } }))).toMatchObject({
      state: 'UNPRICED',
    });
    expect(cost({ pool }, facts(onPool))).toMatchObject({ state: 'UNPRICED' });
  });

  test('9.4 the catalogue never prices what ran on a pool of our own', () => {
    const onUnknownPool = facts({ pool: 'gone', tokens: { input: 1_000_000 } });
    expect(cost({ catalogueRates: [catalogue] }, onUnknownPool)).toMatchObject({ state: 'UNPRICED' });
    expect(cost({ ownRates: [own], catalogueRates: [catalogue] }, onUnknownPool)).toMatchObject({ state: 'PRICED', rateId: 'own' });
  });
});

describe('the row of the cost book that holds for an event', () => {
  const idAt = (rates: CostRate[], when: number, more: Partial<CostFacts> = {}, knownAt?: number) =>
    selectRate(rates, { ...facts(), at: when, ...more }, knownAt)?.id ?? null;

  test('9.1 is the one valid at event time: its end is exclusive', () => {
    const rates = [rate('old', { validFrom: 100, validTo: 200 }), rate('new', { validFrom: 200 })];
    expect([99, 100, 199, 200, 1e15].map((when) => idAt(rates, when))).toEqual([null, 'old', 'old', 'new', 'new']);
  });

  test('9.2 a later validity goes before an earlier one, and of one validity what was learned last', () => {
    const rates = [
      rate('first', { validFrom: 100, recordedAt: 100 }),
      rate('raise', { validFrom: 200, recordedAt: 150 }),
      rate('correction', { validFrom: 100, recordedAt: 300 }),
    ];
    expect([150, 250].map((when) => idAt(rates, when))).toEqual(['correction', 'raise']);
    expect(idAt(rates, 150, {}, 299)).toBe('first');
    expect(idAt(rates, 150, {}, 99)).toBeNull();
  });

  test('9.3 is the one for its service tier and region, else one for any', () => {
    const rates = [
      rate('any'),
      rate('batch', { serviceTier: 'batch' }),
      rate('eu', { region: 'eu' }),
      rate('batch-eu', { serviceTier: 'batch', region: 'eu' }),
    ];
    const ids = [
      {},
      { serviceTier: 'batch' },
      { region: 'eu' },
      { serviceTier: 'batch', region: 'eu' },
      { serviceTier: 'flex', region: 'us' },
    ];
    expect(ids.map((more) => idAt(rates, at, more))).toEqual(['any', 'batch', 'eu', 'batch-eu', 'any']);
    expect(idAt(rates.slice(1), at)).toBeNull();
    expect(idAt(rates.slice(0, 3), at, { serviceTier: 'batch', region: 'eu' })).toBe('batch');
  });

  test('9.3 at night it is the night rate, over midnight too', () => {
    const window = { start: 16.5 * MICROS_PER_HOUR, end: 0.5 * MICROS_PER_HOUR };
    const rates = [rate('day'), rate('night', { dailyWindow: window })];
    const times = ['16:29:59', '16:30:00', '23:59:59', '00:00:00', '00:29:59', '00:30:00'];
    expect(times.map((time) => idAt(rates, parseInstant(`2026-03-10T${time}Z`)))).toEqual([
      'day',
      'night',
      'night',
      'night',
      'night',
      'day',
    ]);
  });

  test('9.5 is never one in dispute: what was known before holds until a person has looked', () => {
    expect(idAt([rate('old', { recordedAt: 1 }), rate('typo', { recordedAt: 2, disputed: true })], at)).toBe('old');
    expect(idAt([rate('typo', { disputed: true })], at)).toBeNull();
  });

  test('9.2 does not depend on the order of the book', () => {
    const row = fc.record({
      validFrom: fc.constantFrom(0, 100, 200),
      recordedAt: fc.nat(3),
      serviceTier: fc.constantFrom(null, 'batch'),
      region: fc.constantFrom(null, 'eu'),
    });
    fc.assert(
      fc.property(
        fc.array(row, { maxLength: 10 }),
        fc.constantFrom(null, 'batch'),
        fc.constantFrom(null, 'eu', 'us'),
        (rows, serviceTier, region) => {
          const book = rows.map((fields, index) => rate(`r${index}`, fields));
          expect(idAt([...book].reverse(), 250, { serviceTier, region })).toBe(idAt(book, 250, { serviceTier, region }));
        },
      ),
    );
  });

  test('9.5 a price that moves by a factor of 9 or more is suspicious, in both directions', () => {
    const before = rate('a', { input: '1', output: '9', cacheRead: '0.1' });
    expect(suspiciousMoves(before, rate('b', { input: '9', output: '1', cacheRead: '0.89' }))).toEqual(['input', 'output']);
    expect(suspiciousMoves(before, rate('b', { input: '8.99', output: '1.01' }))).toEqual([]);
    expect(suspiciousMoves(before, rate('b', { input: '0', output: '9' }))).toEqual(['input']);
  });

  test('9.5 two sources disagree where a price differs or only one has it', () => {
    const one = rate('a', { input: '1.0', output: '2', tiers: [{ inputAbove: '200000', input: '2' }] });
    expect(disagreements(one, rate('b', { input: '1', output: '2.00', tiers: [{ inputAbove: '200000.0', input: '2' }] }))).toEqual([]);
    expect(disagreements(one, rate('b', { input: '1', output: '3', perUnit: '1' }))).toEqual(['above 200000 input', 'output', 'perUnit']);
  });
});

describe('a new rate', () => {
  const refusals: [string, Partial<CostRateInput>, string, string][] = [
    ['a negative price', { input: '-1' }, 'NEGATIVE_PRICE', 'input'],
    ['19 decimals', { cacheRead: '0.0000000000000000001' }, 'TOO_PRECISE', 'cacheRead'],
    ['a currency that does not exist', { input: '1', currency: 'EURO' }, 'UNKNOWN_CURRENCY', 'currency'],
    ['no price at all', {}, 'PRICE_FIELD_MISSING', 'input'],
    ['an end before its start', { input: '1', validFrom: 10, validTo: 10 }, 'INVALID_PERIOD', 'validTo'],
    ['no model', { input: '1', model: '' }, 'FIELD_MISSING', 'model'],
    [
      'thresholds that fall',
      { input: '1', tiers: [{ inputAbove: '2' }, { inputAbove: '1' }] },
      'TIERS_OUT_OF_ORDER',
      'tiers[1].inputAbove',
    ],
    ['a negative price in a tier', { input: '1', tiers: [{ inputAbove: '2', output: '-1' }] }, 'NEGATIVE_PRICE', 'tiers[0].output'],
    ['a window of no length', { input: '1', dailyWindow: { start: 5, end: 5 } }, 'INVALID_WINDOW', 'dailyWindow'],
    ['a price that is no number', { input: 'cheap' }, 'INVALID_DECIMAL', 'input'],
  ];
  test.each(refusals)('is refused for %s', (_, input, code, path) => {
    const attempt = () => parseCostRate({ provider: 'p', model: 'm', currency: 'USD', validFrom: 0, ...input });
    expect(attempt).toThrow(expect.objectContaining({ code, path }));
  });
});

describe('self-hosted capacity', () => {
  const input = (fields: Record<string, string>): PoolCostInput =>
    Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, dec(text)]));

  test('9.4 an hour costs its rent, or what the machine, its power and its operation cost', () => {
    expect(hourlyCostOf(input({ hourlyCost: '3.024' })).toString()).toBe('3.024');
    const owned = input({
      capital: '30000',
      salvage: '4000',
      lifetimeHours: '26000',
      powerKw: '0.7',
      pue: '1.3',
      electricityPerKwh: '0.25',
      operationsPerHour: '0.1',
    });
    expect(hourlyCostOf(owned).toString()).toBe('1.3275');
  });

  test('9.4 an hour whose cost cannot be computed is refused', () => {
    const missing = expect.objectContaining({ code: 'POOL_COST_MISSING' });
    expect(() => hourlyCostOf({})).toThrow(missing);
    expect(() => hourlyCostOf(input({ capital: '30000' }))).toThrow(missing);
    expect(() => hourlyCostOf(input({ capital: '30000', lifetimeHours: '0' }))).toThrow(missing);
    expect(() => hourlyCostOf(input({ powerKw: '1' }))).toThrow(missing);
    expect(() => hourlyCostOf(input({ hourlyCost: '-1' }))).toThrow(
      expect.objectContaining({ code: 'NEGATIVE_NUMBER', path: 'hourlyCost' }),
    );
    expect(() => hourlyCostOf(input({ capital: '1', salvage: '2', lifetimeHours: '1' }))).toThrow(
      expect.objectContaining({ code: 'NEGATIVE_NUMBER' }),
    );
  });

  test('9.4 a million tokens cost less the busier the machine is', () => {
    const at = (utilisation: string) => costPerMillion(dec('3.024'), dec('2800'), dec(utilisation))?.toString();
    expect(['1', '0.5', '0.3'].map(at)).toEqual(['0.3', '0.6', '1']);
    expect(costPerMillion(dec('3.024'), dec('2800'), Decimal.ZERO)).toBeNull();
  });

  test('9.4 direct cost is exact where it ends, and has 18 decimals where it does not', () => {
    expect(poolDirectCost(dec('0.000000000001'), dec('3.6')).toString()).toBe('0.000000000000001');
    expect(poolDirectCost(dec('1'), dec('0.0000000000009')).toString()).toBe('0.00000000000000025');
    expect(poolDirectCost(dec('9'), dec('0.000000000000000001')).toString()).toBe('0.0000000000000000000025');
    expect(poolDirectCost(dec('1'), dec('1')).toString()).toBe('0.000277777777777778');
  });

  test('9.4 direct and idle cost add up to what the hour cost, also when more seconds were measured than there are', () => {
    const seconds = fc.integer({ min: 0, max: 4_000_000 }).map((millis) => Decimal.fromUnits(BigInt(millis), 3));
    const price = fc.integer({ min: 0, max: 100_000 }).map((units) => Decimal.fromUnits(BigInt(units), 4));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), price, fc.array(seconds, { maxLength: 8 }), (gpus, hourlyCost, gpuSeconds) => {
        const { charge, direct, idle } = closePoolHour({ gpus, hourlyCost, gpuSeconds });
        expect(Decimal.sum([...direct, idle]).equals(charge)).toBe(true);
        expect(charge.equals(hourlyCost.times(Decimal.of(gpus)))).toBe(true);
        expect(idle.isNegative()).toBe(false);
      }),
    );
  });

  test('9.4 an idle hour is all idle, a full one has none, an overfull one is scaled', () => {
    const close = (...gpuSeconds: string[]) => {
      const { direct, idle } = closePoolHour({ gpus: 1, hourlyCost: dec('3.60'), gpuSeconds: gpuSeconds.map(dec) });
      return [...direct, idle].map(String);
    };
    expect(close()).toEqual(['3.6']);
    expect(close('1800', '900')).toEqual(['1.8', '0.9', '0.9']);
    expect(close('3600')).toEqual(['3.6', '0']);
    expect(close('3600', '3600')).toEqual(['1.8', '1.8', '0']);
  });
});
