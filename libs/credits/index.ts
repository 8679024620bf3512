export { CreditsModule } from './credits.module.ts';
export { CreditsService, type CreditBalance, type CreditGrantInput } from './credits.service.ts';
export {
  CreditStore,
  periodKey,
  type CreditCursor,
  type NewGrant,
  type PeriodKey,
  type StoredGrant,
  type WalletRow,
} from './credit.store.ts';
export { cutsOfGrants, DrawDown, fingerprint as drawnTermsOf, type DrawRequest } from './draw-down.ts';
export { CreditLapses } from './credit-lapses.ts';
export { CreditsAhead } from './credits-ahead.ts';
export { aheadOf, type PendingGrant } from './pending-grants.ts';
export { needsSingleEvents, RatedUsageReader, type RatedUsage, type RatedUsageQuery } from './rated-usage.ts';
export { settlePeriod, type Demand, type SettledBurn, type Settlement, type WalletState } from './settlement.ts';
export { SettlementStore, type RecordedSettlement } from './settlement.store.ts';
export { burningSegments, type BurningPart } from './usage-demands.ts';
export { type AutoTopUp, type CreditPurchase, type PurchaseStatus, type RequestedPurchases } from './credit-purchase.store.ts';
export { type CreditDebit, type CreditReservation, type WalletSums } from './debit.ts';
export { DebitsService, type DebitAnswer, type DebitInput, type ReservationInput, type ReversalInput } from './debits.service.ts';
export { PurchasesService, type AutoTopUpInput, type PurchaseInput, type RefundInput } from './purchases.service.ts';
export { UsageFollower } from './usage-follower.ts';
export { WalletChecker, type WalletMistake } from './wallet-checker.ts';
export { Wallets } from './wallets.ts';
