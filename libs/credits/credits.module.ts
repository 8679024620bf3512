import { Module } from '@nestjs/common';
import { AccessModule } from '@tare/access';
import { AlertsModule } from '@tare/alerts';
import { CatalogModule } from '@tare/catalog';
import { CustomersModule } from '@tare/customers';
import { UsageModule } from '@tare/usage';
import { CreditPurchaseStore } from './credit-purchase.store.ts';
import { CreditStore } from './credit.store.ts';
import { CreditSweepStore } from './credit-sweep.store.ts';
import { CreditLapses } from './credit-lapses.ts';
import { CreditsAhead } from './credits-ahead.ts';
import { CreditsService } from './credits.service.ts';
import { DebitStore } from './debit.store.ts';
import { DebitsService } from './debits.service.ts';
import { DrawDown } from './draw-down.ts';
import { PastWallets } from './past-wallets.ts';
import { PurchasesService } from './purchases.service.ts';
import { RatedUsageReader } from './rated-usage.ts';
import { SettlementStore } from './settlement.store.ts';
import { UsageFollower } from './usage-follower.ts';
import { WalletWatch } from './wallet-watch.ts';
import { WalletChecker } from './wallet-checker.ts';
import { WalletWriter } from './wallet-writer.ts';
import { Wallets } from './wallets.ts';

/** Prepaid credits: wallets, what is taken from them, what expires, what is bought. */
@Module({
  imports: [AccessModule, AlertsModule, CatalogModule, CustomersModule, UsageModule],
  providers: [
    CreditStore,
    SettlementStore,
    CreditPurchaseStore,
    CreditSweepStore,
    DebitStore,
    CreditLapses,
    CreditsAhead,
    Wallets,
    WalletWatch,
    WalletWriter,
    RatedUsageReader,
    DrawDown,
    PastWallets,
    CreditsService,
    DebitsService,
    PurchasesService,
    UsageFollower,
    WalletChecker,
  ],
  exports: [
    CreditStore,
    SettlementStore,
    CreditLapses,
    CreditsAhead,
    Wallets,
    RatedUsageReader,
    DrawDown,
    CreditsService,
    DebitsService,
    PurchasesService,
    UsageFollower,
    WalletChecker,
  ],
})
export class CreditsModule {}
