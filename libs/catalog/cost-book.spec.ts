import { Decimal, parseInstant, type CostFacts, type CostRateInput, type TokenPools } from '@tare/core';
import { CATALOGUE_TENANT_ID, createTestDatabase, type TestDatabase } from '@tare/database';
import { CostBook } from './cost-book.ts';
import { CostRateStore } from './cost-rate.store.ts';
import { CostRatesService } from './cost-rates.service.ts';
import { readPriceCatalogue, type PriceCatalogue } from './price-catalogue.ts';
import { seedCatalogue } from './seed-catalogue.ts';

const at = parseInstant('2026-10-01T12:00:00Z');
const NONE: TokenPools = {
  uncachedInput: Decimal.ZERO,
  cacheRead: Decimal.ZERO,
  cacheWrite5m: Decimal.ZERO,
  cacheWrite1h: Decimal.ZERO,
  inputAudio: Decimal.ZERO,
  plainOutput: Decimal.ZERO,
  reasoning: Decimal.ZERO,
  outputAudio: Decimal.ZERO,
};
const million = (provider: string, model: string, more: Partial<CostFacts> = {}): CostFacts => ({
  at,
  provider,
  model,
  serviceTier: null,
  region: null,
  tokens: { ...NONE, uncachedInput: Decimal.of(1_000_000) },
  hasTokens: true,
  quantity: Decimal.ZERO,
  gpuSeconds: Decimal.ZERO,
  pool: null,
  ...more,
});
const own: CostRateInput = {
  provider: 'openai',
  model: 'gpt-4o',
  currency: 'EUR',
  validFrom: parseInstant('2026-09-01T00:00:00Z'),
  input: '1.5',
  output: '0.0000000000000028',
  tiers: [{ inputAbove: '200000', input: '3' }],
};

describe('the cost book', () => {
  let db: TestDatabase;
  let tenantId: string;
  const store = new CostRateStore();
  const book = new CostBook(store);
  let rates: CostRatesService;

  beforeAll(async () => {
    db = await createTestDatabase();
    rates = new CostRatesService(db.database, store, book);
    await seedCatalogue(db.database);
  });
  afterAll(() => db.drop());
  beforeEach(async () => {
    tenantId = await db.createTenant();
  });

  test('9.1 without a rate of its own a tenant pays the catalogue price, and the quote names the row', async () => {
    const quote = await rates.costOf(tenantId, million('openai', 'gpt-4o-2024-08-06'));
    expect(quote).toMatchObject({ state: 'PRICED', currency: 'USD' });
    expect(quote.cost?.toString()).toBe('2.5');
    expect(quote.rate).toMatchObject({ provider: 'openai', model: 'gpt-4o', source: '@pydantic/genai-prices 0.1.8' });
  });

  test("9.1 a tenant's own rate goes before the catalogue, for that tenant and from its time on", async () => {
    await rates.set(tenantId, { ...own, tiers: null });
    const quote = await rates.costOf(tenantId, million('openai', 'gpt-4o'));
    expect([quote.cost?.toString(), quote.currency]).toEqual(['1.5', 'EUR']);
    expect(await rates.costOf(tenantId, million('openai', 'gpt-4o', { at: own.validFrom - 1 }))).toMatchObject({ currency: 'USD' });
    expect(await rates.costOf(await db.createTenant(), million('openai', 'gpt-4o'))).toMatchObject({ currency: 'USD' });
  });

  test.each([
    ['openai', 'gpt-of-tomorrow-99'],
    ['a-provider-nobody-knows', 'gpt-4o'],
  ])('9.1 what nobody has a price for is unpriced, never 0 and never a guess: %s/%s', async (provider, model) => {
    expect(await rates.costOf(tenantId, million(provider, model))).toEqual({ state: 'UNPRICED', cost: null, currency: null, rate: null });
  });

  test('a quote is for the present unless it names a time, and reads inclusive totals', async () => {
    await rates.set(tenantId, { ...own, currency: 'USD', input: '1', output: '10', cacheRead: '0.1', tiers: null });
    const tokens = { input: '1000000', cacheRead: '400000', output: '100000', reasoning: '60000' };
    const quote = await rates.quote(tenantId, { provider: 'openai', model: 'gpt-4o', tokens });
    expect(quote.cost?.toString()).toBe('1.64');
    const before = await rates.quote(tenantId, { provider: 'openai', model: 'gpt-4o', tokens, at: own.validFrom - 1 });
    expect(before.rate?.source).toBe('@pydantic/genai-prices 0.1.8');
  });

  test('a quote for parts without their total is refused', async () => {
    const quote = rates.quote(tenantId, { provider: 'openai', model: 'gpt-4o', tokens: { cacheRead: '1' } });
    await expect(quote).rejects.toMatchObject({ code: 'TOKEN_TOTAL_MISSING', path: 'tokens.input' });
  });

  test('9.5 a disputed price of the catalogue prices nothing', async () => {
    expect(await rates.costOf(tenantId, million('openrouter', 'google/gemini-2.5-flash-lite'))).toMatchObject({
      state: 'UNPRICED',
      cost: null,
    });
  });

  test('1.2 a rate comes back to the last decimal, tiers included', async () => {
    const set = await rates.set(tenantId, own);
    const [kept] = await rates.own(tenantId);
    expect(kept).toEqual(set);
    expect(kept?.prices).toEqual({ input: Decimal.parse('1.5'), output: Decimal.parse('0.0000000000000028') });
    expect(kept?.tiers).toEqual([{ inputAbove: Decimal.of(200_000), prices: { input: Decimal.of(3) } }]);
  });

  test('9.2 a rate for a time that has one is added beside it, and the later one counts', async () => {
    const first = await rates.set(tenantId, { ...own, tiers: null });
    const second = await rates.set(tenantId, { ...own, tiers: null, input: '2' });
    expect((await rates.own(tenantId)).map(({ id }) => id)).toEqual([first.id, second.id]);
    const quote = await rates.costOf(tenantId, million('openai', 'gpt-4o'));
    expect([quote.cost?.toString(), quote.rate?.id]).toEqual(['2', second.id]);
  });

  test('9.2 the book is only ever added to', async () => {
    const { id } = await rates.set(tenantId, own);
    const write = (sql: string) => db.database.withTenant(tenantId, (tx) => tx.query(sql, [id]));
    await expect(write('UPDATE cost_rate SET input = 0 WHERE id = $1')).rejects.toThrow('permission denied');
    await expect(write('DELETE FROM cost_rate WHERE id = $1')).rejects.toThrow('permission denied');
  });

  test('9.2 a new rate asks for the events of its time to be costed again', async () => {
    await rates.set(tenantId, { ...own, validTo: own.validFrom + 1_000_000 });
    const tasks = await db.database.withTenant(tenantId, (tx) =>
      tx.query('SELECT provider, model, pool, valid_from, valid_to FROM costing_task'),
    );
    expect(tasks).toEqual([
      { provider: 'openai', model: 'gpt-4o', pool: null, valid_from: own.validFrom, valid_to: own.validFrom + 1_000_000 },
    ]);
  });

  test.each([
    [{ ...own, input: '-1' }, 'NEGATIVE_PRICE', 'input'],
    [{ ...own, input: '0.0000000000000000001' }, 'TOO_PRECISE', 'input'],
    [{ ...own, currency: 'XXX' }, 'UNKNOWN_CURRENCY', 'currency'],
    [{ ...own, validTo: own.validFrom }, 'INVALID_PERIOD', 'validTo'],
    [{ ...own, input: null, output: null, tiers: null }, 'PRICE_FIELD_MISSING', 'input'],
    [
      {
        ...own,
        tiers: [
          { inputAbove: '2', input: '1' },
          { inputAbove: '1', input: '1' },
        ],
      },
      'TIERS_OUT_OF_ORDER',
      'tiers[1].inputAbove',
    ],
  ])('a rate that the book cannot hold is refused at its field (%#)', async (input, code, path) => {
    await expect(rates.set(tenantId, input)).rejects.toMatchObject({ code, path });
    expect(await rates.own(tenantId)).toEqual([]);
  });

  test('another process sees a new rate at its next look, without being told', async () => {
    const elsewhere = new CostBook(new CostRateStore());
    const look = () => db.database.withTenant(tenantId, (tx) => elsewhere.ratesFor(tx, 'openai', 'gpt-4o'));
    expect((await look()).own).toEqual([]);
    const { id } = await rates.set(tenantId, own);
    expect((await look()).own.map((rate) => rate.id)).toEqual([id]);
  });

  test('the books of several tenants are opened at once, each with its own rates', async () => {
    const other = await db.createTenant();
    await rates.set(tenantId, own);
    const books = await db.database.withTenants([tenantId, other], (tx) => book.open(tx, [tenantId, other]));
    expect(books.get(tenantId)?.ratesFor('openai', 'gpt-4o').own).toHaveLength(1);
    expect(books.get(other)?.ratesFor('openai', 'gpt-4o').own).toEqual([]);
    expect(books.get(other)?.ratesFor(null, 'gpt-4o')).toEqual({ own: [], catalogue: [] });
  });

  test('a tenant can read the catalogue and not write it', async () => {
    const write = db.database.withTenant(tenantId, (tx) =>
      tx.query(
        `INSERT INTO cost_rate (tenant_id, id, provider, model, currency, valid_from, source, tiers)
         VALUES ($1, gen_random_uuid(), 'p', 'm', 'USD', now(), 'x', '[]')`,
        [CATALOGUE_TENANT_ID],
      ),
    );
    await expect(write).rejects.toThrow('row-level security');
  });
});

describe('bringing in a catalogue', () => {
  let db: TestDatabase;
  const store = new CostRateStore();
  beforeEach(async () => {
    db = await createTestDatabase();
  });
  afterEach(() => db.drop());

  const all = () => db.database.withTenant(CATALOGUE_TENANT_ID, (tx) => store.all(tx, CATALOGUE_TENANT_ID));
  const cut = (catalogue: PriceCatalogue): PriceCatalogue => ({
    ...catalogue,
    models: catalogue.models.filter(({ provider }) => provider === 'cerebras'),
    rates: catalogue.rates.filter(({ provider }) => provider === 'cerebras'),
  });
  const withInput = (catalogue: PriceCatalogue, source: string, factor: string): PriceCatalogue => ({
    ...catalogue,
    source,
    rates: catalogue.rates.map((rate) => ({
      ...rate,
      prices: { ...rate.prices, ...(rate.prices.input && { input: rate.prices.input.times(Decimal.parse(factor)) }) },
    })),
  });

  test('everything is there once, however often and by however many it is brought in', async () => {
    const catalogue = readPriceCatalogue();
    const added = await Promise.all([seedCatalogue(db.database, catalogue), seedCatalogue(db.database, catalogue)]);
    expect(added.sort((a, b) => a - b)).toEqual([0, catalogue.rates.length]);
    expect(await seedCatalogue(db.database, catalogue)).toBe(0);
    expect(await all()).toHaveLength(catalogue.rates.length);
  });

  test('9.2 a newer catalogue adds what it says otherwise, and leaves what was known', async () => {
    const catalogue = cut(readPriceCatalogue());
    await seedCatalogue(db.database, catalogue);
    expect(await seedCatalogue(db.database, { ...catalogue, source: 'the same 2' })).toBe(0);
    expect(await seedCatalogue(db.database, withInput(catalogue, 'doubled', '2'))).toBe(catalogue.rates.length);
    expect(await seedCatalogue(db.database, { ...catalogue, source: 'back again' })).toBe(catalogue.rates.length);
    const rates = await all();
    expect(rates).toHaveLength(3 * catalogue.rates.length);
    expect(rates.filter(({ disputed }) => disputed)).toEqual([]);
  });

  test('9.5 a price that moves by a factor of 9 waits for a person, one that moves by less does not', async () => {
    const catalogue = cut(readPriceCatalogue());
    await seedCatalogue(db.database, catalogue);
    await seedCatalogue(db.database, withInput(catalogue, 'eightfold', '8'));
    expect((await all()).filter(({ disputed }) => disputed)).toEqual([]);
    await seedCatalogue(db.database, withInput(catalogue, 'a sixteenth', '0.5'));
    const disputed = (await all()).filter((rate) => rate.disputed);
    expect(disputed.length).toBe(catalogue.rates.length);
    expect(disputed[0]).toMatchObject({ source: 'a sixteenth', disputedWhy: 'moved by a factor of 9 or more: input' });
    expect(await seedCatalogue(db.database, withInput(catalogue, 'a sixteenth', '0.5'))).toBe(0);
  });
});
