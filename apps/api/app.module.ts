import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { AccessModule } from '@tare/access';
import { DatabaseModule } from '@tare/database';
import { JobsModule } from '@tare/jobs';
import { AccessApiModule } from './access/access-api.module.ts';
import { AlertsApiModule } from './alerts/alerts-api.module.ts';
import { CouponsApiModule } from './coupons/coupons-api.module.ts';
import { CreditsApiModule } from './credits/credits-api.module.ts';
import { InvoicesApiModule } from './invoices/invoices-api.module.ts';
import { EntitlementsApiModule } from './entitlements/entitlements-api.module.ts';
import { ScopeGuard } from './auth/scope.guard.ts';
import { EventsApiModule } from './events/events-api.module.ts';
import { RestErrorFilter } from './errors/rest-error.filter.ts';
import { graphqlOptions } from './graphql/graphql-options.ts';
import { MarginsApiModule } from './margins/margins-api.module.ts';
import { SimulationsApiModule } from './simulations/simulations-api.module.ts';
import { MetersApiModule } from './meters/meters-api.module.ts';
import { PlansApiModule } from './plans/plans-api.module.ts';
import { QuotesApiModule } from './quotes/quotes-api.module.ts';
import { CostRatesApiModule } from './cost-rates/cost-rates-api.module.ts';
import { CapacityPoolsApiModule } from './capacity-pools/capacity-pools-api.module.ts';
import { ExchangeRatesApiModule } from './exchange-rates/exchange-rates-api.module.ts';
import { CreditNotesApiModule } from './credit-notes/credit-notes-api.module.ts';
import { TaxesApiModule } from './taxes/taxes-api.module.ts';
import { CustomersApiModule } from './customers/customers-api.module.ts';
import { StripeApiModule } from './stripe/stripe-api.module.ts';
import { SubscriptionsApiModule } from './subscriptions/subscriptions-api.module.ts';
import { HealthModule } from './health/health.module.ts';
import { UsageApiModule } from './usage/usage-api.module.ts';

export interface ApiOptions {
  readonly databaseUrl: string;
  /** The queue lives in Redis; none: in the database. */
  readonly redisUrl?: string | undefined;
  /** Connections to the database. */
  readonly connections?: number;
  /** Folder of the built dashboard, served at `/` when it exists. */
  readonly dashboardDirectory?: string | undefined;
}

/** One module for each folder of nouns. Add yours here. */
export const NOUN_MODULES: Type[] = [
  AccessApiModule,
  AlertsApiModule,
  EntitlementsApiModule,
  EventsApiModule,
  UsageApiModule,
  CreditsApiModule,
  InvoicesApiModule,
  CreditNotesApiModule,
  TaxesApiModule,
  MetersApiModule,
  PlansApiModule,
  CouponsApiModule,
  QuotesApiModule,
  CostRatesApiModule,
  CapacityPoolsApiModule,
  ExchangeRatesApiModule,
  CustomersApiModule,
  SubscriptionsApiModule,
  StripeApiModule,
  MarginsApiModule,
  SimulationsApiModule,
];

/** The API: GraphQL, REST and webhooks over the slices. */
@Module({})
export class AppModule {
  static register({ databaseUrl, redisUrl, connections }: ApiOptions): DynamicModule {
    return {
      module: AppModule,
      imports: [
        DatabaseModule.register({ url: databaseUrl, ...(connections === undefined ? {} : { connections }) }),
        JobsModule.register({ databaseUrl, redisUrl }),
        AccessModule,
        HealthModule,
        GraphQLModule.forRoot(graphqlOptions()),
        ...NOUN_MODULES,
      ],
      providers: [
        { provide: APP_GUARD, useClass: ScopeGuard },
        { provide: APP_FILTER, useClass: RestErrorFilter },
      ],
    };
  }
}
