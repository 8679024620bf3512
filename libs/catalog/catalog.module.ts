import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { CapacityPoolsService } from './capacity-pools.service.ts';
import { PoolStore } from './capacity-pool.store.ts';
import { CostBook } from './cost-book.ts';
import { CostRateStore } from './cost-rate.store.ts';
import { CostRatesService } from './cost-rates.service.ts';
import { CouponStore } from './coupon.store.ts';
import { Coupons } from './coupons.ts';
import { CouponsService } from './coupons.service.ts';
import { ExchangeRateStore } from './exchange-rate.store.ts';
import { ExchangeRates } from './exchange-rates.ts';
import { ExchangeRatesService } from './exchange-rates.service.ts';
import { MeterStore } from './meter.store.ts';
import { MetersService } from './meters.service.ts';
import { PlanDraftStore } from './plan-draft.store.ts';
import { PlanStore } from './plan.store.ts';
import { PlansService } from './plans.service.ts';

const services = [MetersService, PlansService, CouponsService, Coupons, CostRatesService, CapacityPoolsService, ExchangeRatesService];
const stores = [MeterStore, PlanStore, PlanDraftStore, CouponStore, CostRateStore, CostBook, PoolStore, ExchangeRateStore, ExchangeRates];

/** What we count, charge and pay. */
@Module({ imports: [AccessModule], providers: [...services, ...stores], exports: [...services, ...stores] })
export class CatalogModule {}
