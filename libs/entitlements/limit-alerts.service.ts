import { Injectable } from '@nestjs/common';
import { AlertEvents, AlertRules } from '@tare/alerts';
import type { Instant } from '@tare/core';
import { Database } from '@tare/database';
import { FactsLoader } from './facts-loader.ts';
import { limitAlerts } from './limit-alerts.ts';
import { limitsOf } from './limits.ts';
import { UsageSums } from './usage-sums.ts';
import { UsageSumsStore, type WaitingCustomer } from './usage-sums.store.ts';

/** Customers that are looked at together. */
const PAGE = 200;
/** Pages of one turn: then the next tenant has its own. */
const MOST_PAGES = 10;

/** Tells of limits that customers come near. Follows usage by the cursor of the sums: run by a worker, by any number of them, cut short anywhere. */
@Injectable()
export class LimitAlerts {
  constructor(
    private readonly database: Database,
    private readonly sums: UsageSums,
    private readonly store: UsageSumsStore,
    private readonly loader: FactsLoader,
    private readonly rules: AlertRules,
    private readonly events: AlertEvents,
  ) {}

  /** Looks at the limits of every customer whose usage moved since it was last looked at. True: there is more to do. */
  async run(tenantId: string, now: Instant = Date.now() * 1_000): Promise<boolean> {
    await this.sums.advance(tenantId);
    let after = -1;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const waiting = await this.database.withTenant(tenantId, (tx) => this.store.waiting(tx, after, PAGE));
      if (waiting.length > 0) await this.look(tenantId, waiting, now);
      if (waiting.length < PAGE) return false;
      after = waiting.at(-1)?.customerNo ?? after;
    }
    return true;
  }

  /** Whoever is moved again meanwhile keeps waiting: only what was known before the look is done with. */
  private async look(tenantId: string, waiting: readonly WaitingCustomer[], now: Instant): Promise<void> {
    const facts = await this.loader.load(tenantId, { numbers: waiting.map(({ customerNo }) => customerNo) }, now);
    await this.database.withTenant(tenantId, async (tx) => {
      const percents = await this.rules.percents(tx);
      await this.events.recordAll(
        tx,
        [...facts.values()].flatMap((one) => limitAlerts(one, limitsOf(one, now), percents)),
      );
      await this.store.lookedAt(tx, waiting);
    });
  }
}
