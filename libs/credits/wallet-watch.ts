import { Injectable } from '@nestjs/common';
import { AlertEvents } from '@tare/alerts';
import { Decimal, localDay, usedPercent } from '@tare/core';
import type { Instant } from '@tare/core';
import type { Customer } from '@tare/customers';
import type { TenantTransaction } from '@tare/database';
import type { WalletRow } from './credit.store.ts';
import { CreditPurchaseStore, type AutoTopUp } from './credit-purchase.store.ts';

/** Shares of credits at which somebody is told unless the tenant says otherwise. */
export const DEFAULT_PERCENTS: readonly number[] = [50, 80, 100];

/** What a wallet is watched for. */
export interface WatchTerms {
  readonly topUp: AutoTopUp | null;
  readonly percents: readonly number[];
}

/** What could be used of a wallet before and after something was taken from it, at an instant. */
export interface WalletChange {
  readonly customer: Pick<Customer, 'id' | 'key' | 'timeZone'>;
  readonly wallet: Pick<WalletRow, 'filled' | 'filledBy'>;
  readonly before: Decimal;
  readonly after: Decimal;
  readonly at: Instant;
}

/** What a change crossed. */
export interface Crossing {
  readonly percents: readonly number[];
  readonly isBelowThreshold: boolean;
}

/** Notices that credits run out: tells at shares of what was granted, and asks for a top-up below the customer's threshold. */
@Injectable()
export class WalletWatch {
  constructor(
    private readonly purchases: CreditPurchaseStore,
    private readonly events: AlertEvents,
  ) {}

  async terms(tx: TenantTransaction, customerId: string): Promise<WatchTerms> {
    return { topUp: await this.purchases.autoTopUp(tx, customerId), percents: (await this.purchases.percents(tx)) ?? DEFAULT_PERCENTS };
  }

  /** Inside the transaction that changed the wallet, so that it is told exactly when it happened. */
  async look(tx: TenantTransaction, change: WalletChange): Promise<void> {
    const terms = await this.terms(tx, change.customer.id);
    await this.tell(tx, change, terms, crossingOf(change, terms));
  }

  async tell(tx: TenantTransaction, change: WalletChange, terms: WatchTerms, crossing: Crossing): Promise<void> {
    const { customer, wallet, after, at } = change;
    for (const percent of crossing.percents) {
      await this.events.record(tx, {
        type: 'credits.threshold_reached',
        subject: customer.key,
        // Once for what the wallet was filled to: the next grant begins anew.
        dedupeKey: `credits.threshold_reached/${customer.id}/${wallet.filledBy ?? ''}/${percent}`,
        payload: { customer: customer.key, percent, available: after.toString(), of: wallet.filled.toString() },
      });
    }
    if (crossing.isBelowThreshold && terms.topUp !== null) await this.requestTopUp(tx, customer, terms.topUp, at);
  }

  /** One at a time, and no more in a month of the customer's zone than its limit allows. */
  private async requestTopUp(tx: TenantTransaction, customer: WalletChange['customer'], topUp: AutoTopUp, at: Instant): Promise<void> {
    const month = localDay(at, customer.timeZone).slice(0, 7);
    if (topUp.monthlyLimit !== null) {
      const spent = await this.purchases.spentOnTopUps(tx, customer.id, month);
      if (spent.plus(topUp.price.amount).compare(topUp.monthlyLimit) > 0) {
        await this.events.record(tx, {
          type: 'credits.top_up_limit_reached',
          subject: customer.key,
          dedupeKey: `credits.top_up_limit_reached/${customer.id}/${month}`,
          payload: { customer: customer.key, month, limit: topUp.monthlyLimit.toString(), currency: topUp.price.currency },
        });
        return;
      }
    }
    await this.purchases.requestTopUp(tx, customer.id, topUp, { at, month });
  }
}

/** Shares that were not reached before and are now, and whether less is left than the threshold of a top-up. */
export function crossingOf(
  { wallet, before, after }: Pick<WalletChange, 'wallet' | 'before' | 'after'>,
  { topUp, percents }: WatchTerms,
): Crossing {
  const was = usedPercent(wallet.filled, before) ?? Decimal.ZERO;
  const is = usedPercent(wallet.filled, after) ?? Decimal.ZERO;
  const isCrossed = (share: Decimal): boolean => was.compare(share) < 0 && share.compare(is) <= 0;
  return {
    percents: percents.filter((percent) => isCrossed(Decimal.of(percent))),
    isBelowThreshold: topUp !== null && after.compare(topUp.threshold) < 0,
  };
}
