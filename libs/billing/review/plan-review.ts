import { Injectable } from '@nestjs/common';
import { ExchangeRates, MeterStore, PlansService } from '@tare/catalog';
import { MICROS_PER_DAY, reviewAgainstCost, reviewPlan } from '@tare/core';
import type { Instant, PlanInput, PlanTerms, PlanWarning } from '@tare/core';
import { Database } from '@tare/database';
import { UsageReader } from '@tare/usage';

/** What "the last month" is. */
const LOOK_BACK = 30 * MICROS_PER_DAY;

/** What will surprise whoever publishes a plan: from the terms alone (core's reviewPlan), and against what usage has cost of late. */
@Injectable()
export class PlanReview {
  constructor(
    private readonly database: Database,
    private readonly plans: PlansService,
    private readonly meters: MeterStore,
    private readonly exchangeRates: ExchangeRates,
    private readonly usage: UsageReader,
  ) {}

  /** The warnings that a plan would be published with; nothing is stored. @throws CodedError those of parsePlan */
  async review(tenantId: string, input: PlanInput, now: Instant): Promise<PlanWarning[]> {
    return this.warningsOf(tenantId, await this.plans.terms(tenantId, input), now);
  }

  /** `now`: the last month ends here. */
  warningsOf(tenantId: string, terms: PlanTerms, now: Instant): Promise<PlanWarning[]> {
    return this.database.withTenant(tenantId, async (tx) => {
      const records = chargesUsage(terms) ? await this.usage.readTotals(tx, { from: now - LOOK_BACK, to: now }) : [];
      const { rates } = await this.exchangeRates.load(tx);
      return [...reviewPlan(terms), ...reviewAgainstCost(terms, records, await this.meters.byKeys(tx), rates)];
    });
  }
}

function chargesUsage({ prices, burnRates }: PlanTerms): boolean {
  return burnRates.length > 0 || prices.some(({ model }) => model !== 'FLAT');
}
