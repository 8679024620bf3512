import { Injectable } from '@nestjs/common';
import { CodedError } from '@tare/core';
import { Database, type TenantTransaction } from '@tare/database';
import { ALERT_RULE_KINDS, AlertRuleStore, type AlertRule, type AlertRuleKind } from './alert-rule.store.ts';

const DEFAULTS: Readonly<Record<AlertRuleKind, readonly number[]>> = { ALLOWANCE: [80, 100], CAP: [80, 100], FAIR_USE: [80, 100] };
const MOST_PERCENTS = 10;
const LARGEST_PERCENT = 1_000;

/** At which percents of a limit a tenant wants to be told. */
@Injectable()
export class AlertRules {
  constructor(
    private readonly database: Database,
    private readonly store: AlertRuleStore,
  ) {}

  /** Of every kind: the tenant's own, else the default. */
  async percents(tx: TenantTransaction): Promise<Readonly<Record<AlertRuleKind, readonly number[]>>> {
    const own = await this.store.all(tx);
    return { ...DEFAULTS, ...Object.fromEntries(own) };
  }

  async list(tenantId: string): Promise<AlertRule[]> {
    const percents = await this.database.withTenant(tenantId, (tx) => this.percents(tx));
    return ALERT_RULE_KINDS.map((kind) => ({ kind, percents: percents[kind] }));
  }

  /** `percents` null: the default again. @throws CodedError INVALID_PERCENTS */
  async set(tenantId: string, kind: AlertRuleKind, percents: readonly number[] | null): Promise<AlertRule> {
    const rule = percents === null ? null : { kind, percents: checkedPercents(percents, 'percents') };
    await this.database.withTenant(tenantId, (tx) => (rule === null ? this.store.remove(tx, kind) : this.store.set(tx, rule)));
    return rule ?? { kind, percents: DEFAULTS[kind] };
  }
}

/** Ascending, each once. @throws CodedError INVALID_PERCENTS for more than ten, or one that is no whole number from 1 to 1000 */
export function checkedPercents(percents: readonly number[], path: string): number[] {
  const isPercent = (percent: number): boolean => Number.isInteger(percent) && percent >= 1 && percent <= LARGEST_PERCENT;
  if (percents.length > MOST_PERCENTS || !percents.every(isPercent)) {
    throw new CodedError('INVALID_PERCENTS', `At most ${MOST_PERCENTS} whole numbers from 1 to ${LARGEST_PERCENT}.`, path);
  }
  return [...new Set(percents)].sort((a, b) => a - b);
}
