import { Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditLog } from '@tare/access';
import { CustomersService } from '@tare/customers';

/** Events that count under a customer's number, from its cells. No row of sums: none. */
const EVENTS_OF = 'SELECT coalesce(sum(events), 0)::text AS events FROM usage_bucket WHERE tenant_id = $1 AND customer_no = $2';

/**
 * Usage that came before its customer is the customer's own from the moment there is one: events carry the number of the key, and the customer gets that
 * number (SEMANTICS 3.7, docs/decisions/0009). Nothing is rewritten; what is left to do is to write it down.
 */
@Injectable()
export class UsageAttribution implements OnModuleInit {
  constructor(
    private readonly customers: CustomersService,
    private readonly audit: AuditLog,
  ) {}

  onModuleInit(): void {
    this.customers.onCreated(async (tx, { id, no, key }, actor) => {
      const [row] = await tx.query<{ events: string }>(EVENTS_OF, [tx.tenantId, no]);
      if (row === undefined || row.events === '0') return;
      await this.audit.record(tx, { actor, action: 'usage.attribute', subject: id, detail: { customer: key, events: row.events } });
    });
  }
}
