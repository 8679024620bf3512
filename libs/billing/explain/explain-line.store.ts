import { Injectable } from '@nestjs/common';
import type { TenantTransaction } from '@tare/database';

/** SQL of single invoice lines. */
@Injectable()
export class ExplainLineStore {
  /** Null for an id of nothing or of another tenant. */
  async invoiceOfLine(tx: TenantTransaction, lineId: string): Promise<string | null> {
    const [row] = await tx.query<{ invoice_id: string }>('SELECT invoice_id FROM invoice_line WHERE tenant_id = $1 AND id = $2', [
      tx.tenantId,
      lineId,
    ]);
    return row?.invoice_id ?? null;
  }
}
