export { CreditsModule } from './credits.module.ts';
export { CreditsService, grantCuts, type CreditBalance, type CreditGrantInput } from './credits.service.ts';
export { CreditStore, type CreditCursor, type NewGrant, type StoredGrant } from './credit.store.ts';
export { needsSingleEvents, RatedUsageReader, type RatedUsage, type RatedUsageQuery } from './rated-usage.ts';
export {
  settleLate,
  settlePeriod,
  uncoveredOf,
  type Demand,
  type RecordedBurn,
  type SettledBurn,
  type Settlement,
  type WalletState,
} from './settlement.ts';
export { Wallets } from './wallets.ts';
