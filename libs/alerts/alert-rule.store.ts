import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '@tare/database';

/** What is told of in percent: of a plan's allowance or limit, of a customer's cap, of a license's fair-use line. */
export const ALERT_RULE_KINDS = ['ALLOWANCE', 'CAP', 'FAIR_USE'] as const;
export type AlertRuleKind = (typeof ALERT_RULE_KINDS)[number];

/** At which percents, ascending; none: nothing of the kind is told. */
export interface AlertRule {
  readonly kind: AlertRuleKind;
  readonly percents: readonly number[];
}

/** SQL of a tenant's own rules. */
@Injectable()
export class AlertRuleStore {
  async all(tx: TenantTransaction): Promise<Map<AlertRuleKind, readonly number[]>> {
    const rows = await tx.query<{ kind: AlertRuleKind; percents: number[] }>('SELECT kind, percents FROM alert_rule WHERE tenant_id = $1', [
      tx.tenantId,
    ]);
    return new Map(rows.map(({ kind, percents }) => [kind, percents]));
  }

  async set(tx: TenantTransaction, { kind, percents }: AlertRule): Promise<void> {
    await tx.query(
      `INSERT INTO alert_rule (tenant_id, kind, percents) VALUES ($1, $2, $3)
       ON CONFLICT (tenant_id, kind) DO UPDATE SET percents = excluded.percents`,
      [tx.tenantId, kind, percents],
    );
  }

  async remove(tx: TenantTransaction, kind: AlertRuleKind): Promise<void> {
    await tx.query('DELETE FROM alert_rule WHERE tenant_id = $1 AND kind = $2', [tx.tenantId, kind]);
  }
}
