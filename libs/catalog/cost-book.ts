import { Injectable } from '@nestjs/common';
import type { CostRate } from '@tare/core';
import { CATALOGUE_TENANT_ID, type TenantTransaction, type Transaction } from '@tare/database';
import { CostRateStore, type CatalogueModel, type StoredCostRate } from './cost-rate.store.ts';
import { matchModel } from './model-match.ts';

/** What `costOfEvent` and `selectRate` want, already under the provider and model that were asked for. */
export interface RatesOfModel {
  readonly own: readonly CostRate[];
  readonly catalogue: readonly CostRate[];
}

/** A tenant's cost book in memory: as of the transaction that opened it. */
export interface OpenCostBook {
  /** Own rates answer to their exact provider and model; the catalogue to its provider's id and the names that its entries match. Never a guess. */
  ratesFor(provider: string | null, model: string | null): RatesOfModel;
}

interface Kept<Book> {
  readonly version: string;
  readonly book: Book;
}
type OwnRates = ReadonlyMap<string, readonly StoredCostRate[]>;

const NO_RATES: RatesOfModel = { own: [], catalogue: [] };
const EMPTY = 'empty';
/** Tenants, and model names of the catalogue, that are kept in memory. */
const KEPT_TENANTS = 1_000;
const KEPT_NAMES = 20_000;

/**
 * The door to cost rates. Books are kept in memory and used while the tables say that nothing was added since: one small query per opening, none per event.
 * Not for a transaction that added rates itself and may still roll back.
 */
@Injectable()
export class CostBook {
  private readonly own = new Map<string, Kept<OwnRates>>();
  private catalogue: Kept<Catalogue> | null = null;

  constructor(private readonly store: CostRateStore) {}

  /** Opens the books of some tenants for a piece of work, such as a flush of events. */
  async open(tx: Transaction, tenantIds: readonly string[]): Promise<Map<string, OpenCostBook>> {
    const versions = await this.store.versions(tx, [...tenantIds, CATALOGUE_TENANT_ID]);
    const catalogue = await this.openCatalogue(tx, versions.get(CATALOGUE_TENANT_ID) ?? EMPTY);
    const books = new Map<string, OpenCostBook>();
    for (const tenantId of tenantIds) {
      const own = await this.openOwn(tx, tenantId, versions.get(tenantId) ?? EMPTY);
      books.set(tenantId, openBook(own, catalogue));
    }
    return books;
  }

  /** The rates of one model; for many models open the book once. */
  async ratesFor(tx: TenantTransaction, provider: string | null, model: string | null): Promise<RatesOfModel> {
    const books = await this.open(tx, [tx.tenantId]);
    return books.get(tx.tenantId)?.ratesFor(provider, model) ?? NO_RATES;
  }

  private async openOwn(tx: Transaction, tenantId: string, version: string): Promise<OwnRates> {
    const kept = this.own.get(tenantId);
    if (kept?.version === version) return kept.book;
    const book = groupByModel(version === EMPTY ? [] : await this.store.all(tx, tenantId));
    this.own.delete(tenantId);
    const [oldest] = this.own.size >= KEPT_TENANTS ? this.own.keys() : [];
    if (oldest !== undefined) this.own.delete(oldest);
    this.own.set(tenantId, { version, book });
    return book;
  }

  private async openCatalogue(tx: Transaction, version: string): Promise<Catalogue> {
    if (this.catalogue?.version === version) return this.catalogue.book;
    const book = new Catalogue(await this.store.catalogueModels(tx), await this.store.all(tx, CATALOGUE_TENANT_ID));
    this.catalogue = { version, book };
    return book;
  }
}

/** Looks up each provider and model once: thousands of events name a few. */
function openBook(own: OwnRates, catalogue: Catalogue): OpenCostBook {
  const found = new Map<string, Map<string, RatesOfModel>>();
  return {
    ratesFor(provider, model) {
      if (provider === null || model === null) return NO_RATES;
      let ofProvider = found.get(provider);
      if (ofProvider === undefined) found.set(provider, (ofProvider = new Map<string, RatesOfModel>()));
      let rates = ofProvider.get(model);
      if (rates === undefined) ofProvider.set(model, (rates = ratesFor(own, catalogue, provider, model)));
      return rates;
    },
  };
}

function ratesFor(own: OwnRates, catalogue: Catalogue, provider: string, model: string): RatesOfModel {
  return { own: own.get(bookKey(provider, model)) ?? [], catalogue: catalogue.ratesFor(provider, model) };
}

/** The shared prices, by the names that models go by. */
class Catalogue {
  private readonly models: ReadonlyMap<string, CatalogueModel[]>;
  private readonly rates: OwnRates;
  private readonly byName = new Map<string, readonly CostRate[]>();

  constructor(models: readonly CatalogueModel[], rates: readonly StoredCostRate[]) {
    this.models = groupBy(models, ({ provider }) => provider);
    this.rates = groupByModel(rates);
  }

  ratesFor(provider: string, model: string): readonly CostRate[] {
    const name = bookKey(provider, model);
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    const found = this.find(provider, model);
    if (this.byName.size >= KEPT_NAMES) this.byName.clear();
    this.byName.set(name, found);
    return found;
  }

  /** Rates say which names they are for: here the name that was asked for. */
  private find(provider: string, model: string): CostRate[] {
    const entry = matchModel(this.models.get(provider) ?? [], model);
    const rates = entry === undefined ? [] : (this.rates.get(bookKey(provider, entry.model)) ?? []);
    return rates.map((rate) => ({ ...rate, model }));
  }
}

function groupByModel(rates: readonly StoredCostRate[]): OwnRates {
  return groupBy(rates, ({ provider, model }) => bookKey(provider, model));
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

const bookKey = (provider: string, model: string): string => `${provider}\0${model}`;
