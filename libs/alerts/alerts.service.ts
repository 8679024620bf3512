import { Injectable } from '@nestjs/common';
import { Database, type TenantTransaction } from '@tare/database';
import { AlertStore, type Alert, type NewAlert } from './alert.store.ts';

/** What needs a person. A problem that is seen again is still one alert; when it is gone, whoever raised it resolves it. */
@Injectable()
export class AlertsService {
  constructor(
    private readonly database: Database,
    private readonly store: AlertStore,
  ) {}

  /** Raises a problem, or brings its open alert up to date. In the transaction of what found it. */
  async raise(tx: TenantTransaction, alert: NewAlert): Promise<void> {
    await this.store.lock(tx, alert.kind, alert.subject);
    if (!(await this.store.refresh(tx, alert))) await this.store.insert(tx, alert);
  }

  /** Nothing happens when the problem has no open alert. */
  resolve(tx: TenantTransaction, kind: string, subject: string): Promise<void> {
    return this.store.resolve(tx, kind, subject);
  }

  /** Open alerts of a kind, for who raises them. Newest first. */
  openOf(tx: TenantTransaction, kind: string): Promise<Alert[]> {
    return this.store.open(tx, kind);
  }

  /** Newest first. */
  open(tenantId: string): Promise<Alert[]> {
    return this.database.withTenant(tenantId, (tx) => this.store.open(tx));
  }
}
