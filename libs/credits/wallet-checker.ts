import { Injectable } from '@nestjs/common';
import { Database } from '@tare/database';

/** Something kept beside the ledger that is not what the ledger says. */
export interface WalletMistake {
  readonly customerId: string;
  /** `balance`, `reserved` or `debt` of the wallet, `remaining`, `reserved` or `price_used` of a grant, a `debit` whose parts are not it, a `transaction` that does not sum to zero. */
  readonly what: string;
  /** Id of the grant or transaction, or key of the debit; null for the wallet. */
  readonly id: string | null;
  readonly kept: string;
  readonly ledger: string;
}

const CHECK = `
WITH grants AS (
  SELECT g.customer_id, g.id, g.remaining, g.reserved, g.price_used,
    coalesce(sum(p.credits) FILTER (WHERE p.account = 'GRANT'), 0) AS in_grant, coalesce(sum(p.credits) FILTER (WHERE p.account = 'RESERVED'), 0) AS in_reserved,
    coalesce(sum(p.revenue), 0) AS revenue
  FROM credit_grant g LEFT JOIN credit_posting p ON p.tenant_id = g.tenant_id AND p.customer_id = g.customer_id AND p.grant_id = g.id
  WHERE g.tenant_id = $1 GROUP BY g.customer_id, g.id, g.remaining, g.reserved, g.price_used
), sums AS (
  SELECT customer_id, coalesce(sum(credits) FILTER (WHERE account = 'GRANT'), 0) AS balance,
    coalesce(sum(credits) FILTER (WHERE account = 'RESERVED'), 0) AS reserved, coalesce(-sum(credits) FILTER (WHERE account = 'DEBT'), 0) AS debt
  FROM credit_posting WHERE tenant_id = $1 GROUP BY customer_id
), debits AS (
  SELECT d.customer_id, d.key, d.credits,
    d.debt + d.uncovered + CASE WHEN d.grant_id IS NULL THEN coalesce((SELECT sum(part) FROM unnest(d.grant_credits) AS part), 0) ELSE d.credits END AS parts
  FROM credit_debit d WHERE d.tenant_id = $1
)
SELECT customer_id, 'remaining' AS what, id::text AS id, remaining::text AS kept, in_grant::text AS ledger FROM grants WHERE remaining <> in_grant
UNION ALL SELECT customer_id, 'reserved', id::text, reserved::text, in_reserved::text FROM grants WHERE reserved <> in_reserved
UNION ALL SELECT customer_id, 'price_used', id::text, price_used::text, revenue::text FROM grants WHERE price_used <> revenue
UNION ALL SELECT w.customer_id, 'balance', NULL, w.balance::text, coalesce(s.balance, 0)::text FROM wallet w LEFT JOIN sums s USING (customer_id)
  WHERE w.tenant_id = $1 AND w.balance <> coalesce(s.balance, 0)
UNION ALL SELECT w.customer_id, 'reserved', NULL, w.reserved::text, coalesce(s.reserved, 0)::text FROM wallet w LEFT JOIN sums s USING (customer_id)
  WHERE w.tenant_id = $1 AND w.reserved <> coalesce(s.reserved, 0)
UNION ALL SELECT w.customer_id, 'debt', NULL, w.debt::text, coalesce(s.debt, 0)::text FROM wallet w LEFT JOIN sums s USING (customer_id)
  WHERE w.tenant_id = $1 AND w.debt <> coalesce(s.debt, 0)
UNION ALL SELECT customer_id, 'debit', key, credits::text, parts::text FROM debits WHERE credits <> parts
UNION ALL SELECT min(customer_id::text)::uuid, 'transaction', transaction_id::text, '0', sum(credits)::text FROM credit_posting WHERE tenant_id = $1
  GROUP BY transaction_id HAVING sum(credits) <> 0
ORDER BY 1, 2, 3`;

/** Compares what wallets keep with the ledger, which is the truth (SEMANTICS 7.1). */
@Injectable()
export class WalletChecker {
  constructor(private readonly database: Database) {}

  /** Of all wallets of a tenant; none: all is well. Reads the whole ledger. */
  async mistakes(tenantId: string): Promise<WalletMistake[]> {
    const rows = await this.database.withTenant(tenantId, (tx) =>
      tx.query<{ customer_id: string; what: string; id: string | null; kept: string; ledger: string }>(CHECK, [tenantId]),
    );
    return rows.map(({ customer_id: customerId, ...rest }) => ({ customerId, ...rest }));
  }
}
