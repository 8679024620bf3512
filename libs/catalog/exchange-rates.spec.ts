import { Decimal, parseInstant } from '@tare/core';
import { createTestDatabase, type TestDatabase } from '@tare/database';
import { ExchangeRateStore } from './exchange-rate.store.ts';
import { ExchangeRates, type LoadedExchangeRates } from './exchange-rates.ts';
import { ExchangeRatesService } from './exchange-rates.service.ts';

const monday = parseInstant('2026-03-02T00:00:00Z');
const tuesday = parseInstant('2026-03-03T00:00:00Z');
const euros = { from: 'EUR', to: 'USD', rate: Decimal.parse('1.1'), validFrom: monday };

describe('exchange rates', () => {
  let db: TestDatabase;
  let tenantId: string;
  let service: ExchangeRatesService;
  const store = new ExchangeRateStore();

  beforeAll(async () => {
    db = await createTestDatabase();
    service = new ExchangeRatesService(db.database, store);
  });
  afterAll(() => db.drop());
  beforeEach(async () => {
    tenantId = await db.createTenant();
  });

  const convert = async (from: string, to: string, at: number, tenant = tenantId): Promise<string | null> => {
    const rates = await db.database.withTenant(tenant, (tx) => new ExchangeRates(store).load(tx));
    return rates.convert(Decimal.of(10), from, to, at)?.toString() ?? null;
  };

  test('10.5 an amount converts at the rate valid then, exactly; without a rate nothing is known', async () => {
    await service.set(tenantId, euros);
    await service.set(tenantId, { ...euros, rate: Decimal.parse('1.2'), validFrom: tuesday });
    expect(await convert('EUR', 'USD', monday - 1)).toBeNull();
    expect(await convert('EUR', 'USD', monday)).toBe('11');
    expect(await convert('EUR', 'USD', tuesday - 1)).toBe('11');
    expect(await convert('EUR', 'USD', tuesday)).toBe('12');
    expect(await convert('USD', 'USD', monday)).toBe('10');
  });

  test('10.5 the other direction is not made up', async () => {
    await service.set(tenantId, euros);
    expect(await convert('USD', 'EUR', tuesday)).toBeNull();
  });

  test('a rate for the same time takes the place of the one before', async () => {
    await service.set(tenantId, euros);
    await service.set(tenantId, { ...euros, rate: Decimal.parse('1.3') });
    expect(await convert('EUR', 'USD', tuesday)).toBe('13');
  });

  test('8.4 what was worked out with the rates of then is worked out with them again, whatever was recorded since', async () => {
    const loaded = (): Promise<LoadedExchangeRates> => db.database.withTenant(tenantId, (tx) => new ExchangeRates(store).load(tx));
    await service.set(tenantId, euros);
    await service.set(tenantId, { ...euros, from: 'GBP' });
    const { count, rates } = await loaded();
    await service.set(tenantId, { ...euros, rate: Decimal.parse('1.3') });
    await service.set(tenantId, { ...euros, validFrom: tuesday });
    const written = (known: typeof rates): string[] => known.map(({ from, rate, validFrom }) => `${from} ${rate.toString()} ${validFrom}`);
    const later = await loaded();
    expect(written(later.asOf(count))).toEqual(written(rates));
    expect(written(later.asOf(0))).toEqual([]);
    expect(written(later.rates)).toEqual([`EUR 1.3 ${monday}`, `GBP 1.1 ${monday}`, `EUR 1.1 ${tuesday}`]);
  });

  test('rates that are set at once are recorded one after the other', async () => {
    const pounds = Array.from({ length: 20 }, (_, day) => ({ ...euros, from: 'GBP', validFrom: monday + day }));
    await Promise.all(pounds.map((rate) => service.set(tenantId, rate)));
    const places = await db.database.withTenant(tenantId, (tx) =>
      tx.query<{ place: number }>('SELECT place FROM exchange_rate WHERE tenant_id = $1 ORDER BY place', [tenantId]),
    );
    expect(places.map(({ place }) => place)).toEqual(pounds.map((_, index) => index + 1));
  });

  test.each([
    [{ ...euros, from: 'EURO' }, 'UNKNOWN_CURRENCY', 'from'],
    [{ ...euros, to: 'XXX' }, 'UNKNOWN_CURRENCY', 'to'],
    [{ ...euros, to: 'EUR' }, 'SAME_CURRENCY', 'to'],
    [{ ...euros, rate: Decimal.ZERO }, 'RATE_NOT_POSITIVE', 'rate'],
    [{ ...euros, rate: Decimal.parse('1.0000000000000000001') }, 'TOO_PRECISE', 'rate'],
  ])('a rate that means nothing is refused at its field (%#)', async (rate, code, path) => {
    await expect(service.set(tenantId, rate)).rejects.toMatchObject({ code, path });
  });

  test("a tenant's rates are its own", async () => {
    await service.set(tenantId, euros);
    expect(await convert('EUR', 'USD', tuesday, await db.createTenant())).toBeNull();
  });
});
