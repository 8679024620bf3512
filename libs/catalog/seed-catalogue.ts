import { CATALOGUE_TENANT_ID, type Database, type TenantTransaction } from '@tare/database';
import { createHash } from 'node:crypto';
import { CostRateStore, type NewCostRate, type StoredCostRate } from './cost-rate.store.ts';
import { disputeMove, readPriceCatalogue, type CatalogueRate, type PriceCatalogue } from './price-catalogue.ts';

/**
 * Brings the checked-in catalogue into the reserved tenant that everybody reads. Safe to run at every start and by several processes at once: what is there
 * is left alone, what a newer catalogue says otherwise is added beside it (SEMANTICS 9.2, 9.5). Answers how many rates were added.
 */
export async function seedCatalogue(database: Database, catalogue: PriceCatalogue = readPriceCatalogue()): Promise<number> {
  const store = new CostRateStore();
  return database.withTenant(CATALOGUE_TENANT_ID, async (tx) => {
    await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('price catalogue', 0))`);
    const known = await store.all(tx, CATALOGUE_TENANT_ID);
    const added = newRates(catalogue, known);
    if (added.length > 0) await addToCatalogue(tx, store, catalogue, added);
    return added.length;
  });
}

async function addToCatalogue(
  tx: TenantTransaction,
  store: CostRateStore,
  catalogue: PriceCatalogue,
  rates: readonly NewCostRate[],
): Promise<void> {
  await store.replaceModels(tx, catalogue.models);
  await store.insert(tx, rates);
}

/** Rates that say something new. One that is far from what was known for the same time waits for a person. */
function newRates({ source, rates }: PriceCatalogue, known: readonly StoredCostRate[]): NewCostRate[] {
  const ids = new Set(known.map(({ id }) => id));
  const latest = latestByTime(known);
  return rates.flatMap((rate) => {
    const id = idOf(source, rate);
    const before = latest.get(timeKeyOf(rate));
    if (ids.has(id) || (before !== undefined && contentOf(before) === contentOf(rate))) return [];
    const { disputedWhy, ...terms } = before === undefined ? rate : disputeMove(before, rate);
    return [{ ...terms, id, source, disputed: disputedWhy !== null, disputedWhy }];
  });
}

function latestByTime(known: readonly StoredCostRate[]): Map<string, StoredCostRate> {
  const latest = new Map<string, StoredCostRate>();
  for (const rate of known) {
    const other = latest.get(timeKeyOf(rate));
    if (other === undefined || other.recordedAt < rate.recordedAt) latest.set(timeKeyOf(rate), rate);
  }
  return latest;
}

/** For what a rate is: at most one of them counts. */
function timeKeyOf({ provider, model, validFrom, dailyWindow }: CatalogueRate): string {
  return JSON.stringify([provider, model, validFrom, dailyWindow?.start, dailyWindow?.end]);
}

/** Everything that a rate says; decimals are written as they are, so equal prices are equal text. */
function contentOf({
  provider,
  model,
  currency,
  validFrom,
  validTo,
  prices,
  perRequest,
  perUnit,
  tiers,
  dailyWindow,
  disputedWhy,
}: CatalogueRate): string {
  return JSON.stringify([provider, model, currency, validFrom, validTo, prices, perRequest, perUnit, tiers, dailyWindow, disputedWhy]);
}

/** The same for the same content from the same source, whoever writes it: a UUID of its hash. */
function idOf(source: string, rate: CatalogueRate): string {
  const hex = createHash('sha256')
    .update(`${source} ${contentOf(rate)}`)
    .digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
