import { COST_KINDS, Decimal, parseInstant, suspiciousMoves, validateCostRate } from '@tare/core';
import type { CostKind, CostRateTerms, DailyWindow, Instant, KindPrices } from '@tare/core';
import { readFileSync } from 'node:fs';
import type { CatalogueModel } from './cost-rate.store.ts';
import type { ModelMatch } from './model-match.ts';

/** A price of the catalogue. */
export interface CatalogueRate extends CostRateTerms {
  /** Why it waits for a person; null for one that does not (SEMANTICS 9.5). */
  readonly disputedWhy: string | null;
}

/** The shared prices: what `tools/build-price-catalogue.mjs` read from the package that they come from. */
export interface PriceCatalogue {
  /** Package and version, such as "@pydantic/genai-prices 0.1.8". */
  readonly source: string;
  readonly models: readonly CatalogueModel[];
  readonly rates: readonly CatalogueRate[];
}

type RateJson = Partial<Record<CostKind | 'perRequest' | 'disputed' | 'from' | 'to', string>> & {
  readonly window?: readonly [string, string];
  readonly tiers?: readonly ({ readonly inputAbove: string } & Partial<Record<CostKind, string>>)[];
};
interface ModelJson {
  readonly model: string;
  readonly match: ModelMatch;
  readonly rates: readonly RateJson[];
}
interface ProviderJson {
  readonly id: string;
  /** Providers whose models this one sells at their price, beside its own. */
  readonly fallback?: readonly string[];
  readonly models: readonly ModelJson[];
}
interface CatalogueJson {
  readonly source: { readonly package: string; readonly version: string };
  readonly providers: readonly ProviderJson[];
}

/** The package's prices are in dollars, and its first ones have no date: they are valid from as far back as there was anything to price. */
const CURRENCY = 'USD';
const FIRST_DAY = '1970-01-01';

/** Reads the checked-in catalogue. Every rate is one that the cost book can hold. */
export function readPriceCatalogue(): PriceCatalogue {
  const json = JSON.parse(readFileSync(new URL('./price-catalogue.json', import.meta.url), 'utf8')) as CatalogueJson;
  const sold = json.providers.flatMap((provider) => modelsSoldBy(provider, json.providers));
  return {
    source: `${json.source.package} ${json.source.version}`,
    models: sold.map(({ provider, model, match }) => ({ provider, model, match })),
    rates: sold.flatMap(({ provider, model, rates }) => disputeMoves(rates.map((rate) => rateOfJson(provider, model, rate)))),
  };
}

/** Its own models, which come first, and those of the providers that it falls back on, under names that tell them apart. */
function modelsSoldBy(provider: ProviderJson, providers: readonly ProviderJson[]): (ModelJson & { provider: string })[] {
  const others = (provider.fallback ?? []).flatMap((id) => providers.filter((other) => other.id === id));
  const resold = others.flatMap(({ id, models }) => models.map((entry) => ({ ...entry, model: `${id}/${entry.model}` })));
  return [...provider.models, ...resold].map((entry) => ({ ...entry, provider: provider.id }));
}

function rateOfJson(provider: string, model: string, json: RateJson): CatalogueRate {
  return validateCostRate({
    provider,
    model,
    currency: CURRENCY,
    validFrom: startOfDay(json.from ?? FIRST_DAY),
    validTo: json.to === undefined ? null : startOfDay(json.to),
    serviceTier: null,
    region: null,
    prices: pricesOfJson(json),
    perRequest: json.perRequest === undefined ? null : Decimal.parse(json.perRequest),
    perUnit: null,
    tiers: (json.tiers ?? []).map((tier) => ({ inputAbove: Decimal.parse(tier.inputAbove), prices: pricesOfJson(tier) })),
    dailyWindow: json.window === undefined ? null : windowOfJson(json.window),
    disputedWhy: json.disputed ?? null,
  });
}

function pricesOfJson(json: Partial<Record<CostKind, string>>): KindPrices {
  const prices: Partial<Record<CostKind, Decimal>> = {};
  for (const kind of COST_KINDS) {
    const text = json[kind];
    if (text !== undefined) prices[kind] = Decimal.parse(text);
  }
  return prices;
}

const startOfDay = (day: string): Instant => parseInstant(`${day}T00:00:00Z`);
const timeOfDay = (time: string): number => parseInstant(`${FIRST_DAY}T${time}Z`);

function windowOfJson([start, end]: readonly [string, string]): DailyWindow {
  return { start: timeOfDay(start), end: timeOfDay(end) };
}

/** A price that moves by a factor of 9 or more from one date to the next waits for a person (SEMANTICS 9.5). */
function disputeMoves(rates: readonly CatalogueRate[]): CatalogueRate[] {
  return rates.map((rate) => {
    const before = rates.find((other) => other.validTo === rate.validFrom && isSameWindow(other.dailyWindow, rate.dailyWindow));
    return before === undefined ? rate : disputeMove(before, rate);
  });
}

/** The rate, disputed when its prices are a factor of 9 or more away from those before. */
export function disputeMove(before: CostRateTerms, rate: CatalogueRate): CatalogueRate {
  const moved = suspiciousMoves(before, rate);
  if (moved.length === 0) return rate;
  const why = `moved by a factor of 9 or more: ${moved.join(', ')}`;
  return { ...rate, disputedWhy: rate.disputedWhy === null ? why : `${rate.disputedWhy}; ${why}` };
}

function isSameWindow(a: DailyWindow | null, b: DailyWindow | null): boolean {
  return a?.start === b?.start && a?.end === b?.end;
}
