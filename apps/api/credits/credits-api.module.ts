import { Module } from '@nestjs/common';
import { CreditsModule } from '@tare/credits';
import { EntitlementsModule } from '@tare/entitlements';
import { UsageModule } from '@tare/usage';
import { CreditsResolver } from './credits.resolver.ts';
import { DrawAsUsageArrives } from './draw-as-usage-arrives.ts';
import { PurchasesResolver } from './purchases.resolver.ts';

@Module({ imports: [CreditsModule, EntitlementsModule, UsageModule], providers: [CreditsResolver, PurchasesResolver, DrawAsUsageArrives] })
export class CreditsApiModule {}
