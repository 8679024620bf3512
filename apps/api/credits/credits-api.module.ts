import { Module } from '@nestjs/common';
import { BillingModule } from '@tare/billing';
import { CreditsModule } from '@tare/credits';
import { EntitlementsModule } from '@tare/entitlements';
import { UsageModule } from '@tare/usage';
import { BillPurchases } from './bill-purchases.ts';
import { CreditsResolver } from './credits.resolver.ts';
import { DrawAsUsageArrives } from './draw-as-usage-arrives.ts';
import { PurchasesResolver } from './purchases.resolver.ts';

@Module({
  imports: [BillingModule, CreditsModule, EntitlementsModule, UsageModule],
  providers: [CreditsResolver, PurchasesResolver, BillPurchases, DrawAsUsageArrives],
})
export class CreditsApiModule {}
