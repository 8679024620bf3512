export { CatalogModule } from './catalog.module.ts';
export {
  PoolStore,
  poolRateAt,
  type CapacityPool,
  type CapacityPoolRate,
  type Deployment,
  type IdlePolicy,
} from './capacity-pool.store.ts';
export { CapacityPoolsService, type CapacityPoolInput, type CapacityPoolView } from './capacity-pools.service.ts';
export { CostBook, type OpenCostBook, type RatesOfModel } from './cost-book.ts';
export { CostRateStore, type CostingRequest, type StoredCostRate } from './cost-rate.store.ts';
export { CostRatesService, type CostQuote, type CostQuoteInput } from './cost-rates.service.ts';
export { type Coupon, type CouponInput } from './coupon.ts';
export { Coupons, type RedeemedCoupon } from './coupons.ts';
export { CouponsService } from './coupons.service.ts';
export { ExchangeRateStore } from './exchange-rate.store.ts';
export { ExchangeRates, LoadedExchangeRates } from './exchange-rates.ts';
export { ExchangeRatesService } from './exchange-rates.service.ts';
export { cursorOf, keysetOf, pageOf, type KeysetRow, type Page, type PageRequest } from './keyset-page.ts';
export { MeterStore, type StoredMeter } from './meter.store.ts';
export { MetersService, type MeterInput } from './meters.service.ts';
export { PlanDraftStore, type PlanListing } from './plan-draft.store.ts';
export { PlanStore, type LatestPlanVersion, type PlanVersion } from './plan.store.ts';
export { planViewOf, type PlanView, type PublishedPlanView } from './plan-view.ts';
export { PlansService } from './plans.service.ts';
export { readPriceCatalogue, type CatalogueRate, type PriceCatalogue } from './price-catalogue.ts';
export { seedCatalogue } from './seed-catalogue.ts';
export { priceQuoteOf, type PriceQuoteInput } from './price-quote.ts';
