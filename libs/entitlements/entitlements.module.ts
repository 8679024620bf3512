import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { AlertsModule } from '@tare/alerts';
import { BillingModule } from '@tare/billing';
import { CatalogModule } from '@tare/catalog';
import { CreditsModule } from '@tare/credits';
import { CustomersModule } from '@tare/customers';
import { UsageModule } from '@tare/usage';
import { CapStore } from './cap.store.ts';
import { CapsService } from './caps.service.ts';
import { CreditStandingStore } from './credit-standing.store.ts';
import { CreditStandings } from './credit-standings.ts';
import { EntitlementsService } from './entitlements.service.ts';
import { FactsLoader } from './facts-loader.ts';
import { LimitAlerts } from './limit-alerts.service.ts';
import { UsageSums } from './usage-sums.ts';
import { UsageSumsStore } from './usage-sums.store.ts';

const inside = [CapStore, CreditStandingStore, CreditStandings, FactsLoader, UsageSums, UsageSumsStore];
const door = [CapsService, EntitlementsService, LimitAlerts];

/** What a customer may do now. */
@Module({
  imports: [AccessModule, AlertsModule, BillingModule, CatalogModule, CreditsModule, CustomersModule, UsageModule],
  providers: [...inside, ...door],
  exports: door,
})
export class EntitlementsModule {}
