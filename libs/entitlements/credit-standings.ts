import { Injectable } from '@nestjs/common';
import { availableAt, Decimal, segmentEnd, servicePeriodAt, type CreditLapse, type Instant, type Segment } from '@tare/core';
import { aheadOf, burningSegments, CreditLapses, CreditsAhead, DrawDown, drawnTermsOf, type PendingGrant } from '@tare/credits';
import type { Customer } from '@tare/customers';
import { Database } from '@tare/database';
import { CreditStandingStore, type DrawnWallet, type OpenWallet } from './credit-standing.store.ts';
import type { CreditStanding, UncoveredUse } from './customer-facts.ts';

export interface PossibleBurner {
  readonly customer: Customer;
  readonly segments: readonly Segment[];
}

/** Wallets that are drawn at once. */
const AT_ONCE = 4;

/** What wallets hold, of customers whose usage burns credits and of those that have nothing else. */
@Injectable()
export class CreditStandings {
  constructor(
    private readonly database: Database,
    private readonly drawDown: DrawDown,
    private readonly store: CreditStandingStore,
    private readonly ahead: CreditsAhead,
    private readonly lapses: CreditLapses,
  ) {}

  /** Those to whom credits matter. */
  burners<Burner extends PossibleBurner>(customers: readonly Burner[], at: Instant): Burner[] {
    return customers.filter(({ segments }) => {
      const running = segments.filter((segment) => segment.start <= at && at < (segmentEnd(segment) ?? Infinity));
      return running.length === 0 || running.some(({ terms }) => terms.burnRates.length > 0);
    });
  }

  /** What nothing covered from some time on, of customers whose wallets `load` has drawn. */
  async uncovered(tenantId: string, wanted: Parameters<CreditStandingStore['uncovered']>[1]): Promise<Map<string, UncoveredUse[]>> {
    if (wanted.length === 0) return new Map();
    return this.database.withTenant(tenantId, (tx) => this.store.uncovered(tx, wanted));
  }

  /**
   * By the id of the customer. What usage has brought is drawn first, of wallets that are behind: the running sums have to be up to date for that, they know
   * whose usage has moved.
   */
  async load(tenantId: string, burners: readonly PossibleBurner[], at: Instant): Promise<Map<string, CreditStanding>> {
    if (burners.length === 0) return new Map();
    const customerIds = burners.map(({ customer }) => customer.id);
    const drawn = await this.database.withTenant(tenantId, (tx) => this.store.drawn(tx, customerIds));
    const behind = burners.filter(({ customer, segments }) => isBehind(drawn.get(customer.id), segments));
    for (let from = 0; from < behind.length; from += AT_ONCE) {
      const chunk = behind.slice(from, from + AT_ONCE);
      await Promise.all(
        chunk.map(({ customer }) => this.database.withTenant(tenantId, (tx) => this.drawDown.draw(tx, { customerId: customer.id }))),
      );
    }
    const segmentsOf = new Map(burners.map(({ customer, segments }) => [customer.id, segments]));
    return this.database.withTenant(tenantId, async (tx) => {
      const open = await this.store.open(tx, customerIds, at);
      const pending = await this.ahead.load(tx, segmentsOf, at);
      const lapses = await this.lapses.load(tx, segmentsOf, at);
      const standings = [...open].map(([id, wallet]): [string, CreditStanding] => {
        const around = { pending: pending.get(id) ?? [], lapses: lapses.get(id) ?? [], segments: segmentsOf.get(id) ?? [] };
        return [id, standingOf(wallet, around, at)];
      });
      return new Map(standings);
    });
  }
}

function isBehind(wallet: DrawnWallet | undefined, segments: readonly Segment[]): boolean {
  if (burningSegments(segments).length === 0) return false;
  if (wallet === undefined || wallet.drawnSeq === null || wallet.movedSeq === null) return true;
  return wallet.movedSeq > wallet.drawnSeq || wallet.drawnTerms !== drawnTermsOf(segments);
}

function standingOf(
  { debt, waiting, hasGrants, grants }: OpenWallet,
  { pending, lapses, segments }: { pending: readonly PendingGrant[]; lapses: readonly CreditLapse[]; segments: readonly Segment[] },
  at: Instant,
): CreditStanding {
  const bounds = grants.flatMap(({ effectiveAt, expiresAt }) => [effectiveAt, expiresAt ?? at]);
  // Where a plan's period begins its next credits are on their way, and where one ends what does not roll over is gone.
  const periods = segments
    .filter(({ terms }) => terms.creditsPerInterval !== null)
    .flatMap((segment) => servicePeriodAt(segment, at)?.end ?? []);
  const changes = [...bounds, ...periods].filter((change) => change > at);
  return {
    available: Decimal.max(Decimal.ZERO, availableAt(grants, at, lapses)),
    ahead: aheadOf(pending, waiting),
    debt,
    hasGrants,
    changesAt: changes.length === 0 ? null : Math.min(...changes),
  };
}
