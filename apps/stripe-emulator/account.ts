import { createHash } from 'node:crypto';
import { type TableName, type Tables } from './tables.ts';

type Rows = { [Name in TableName]: Map<string, Tables[Name]> };
/** One row written (or, with null, removed). */
export type Change = { [Name in TableName]: { table: Name; id: string; row: Tables[Name] | null } }[TableName];

/** Older events fall out, as they do after 30 days at Stripe; it keeps a long demo in memory. */
const EVENTS_KEPT = 20_000;

/** The state behind one API key. */
export class Account {
  private readonly rows: Rows = {
    customers: new Map(),
    invoices: new Map(),
    lines: new Map(),
    creditNotes: new Map(),
    events: new Map(),
    webhookEndpoints: new Map(),
    responses: new Map(),
    deliveries: new Map(),
  };

  constructor(readonly id: string) {}

  /** The key itself is kept nowhere. */
  static idOf(apiKey: string): string {
    return `acct_${createHash('sha256').update(apiKey).digest('hex').slice(0, 16)}`;
  }

  table<Name extends TableName>(name: Name): ReadonlyMap<string, Tables[Name]> {
    return this.rows[name];
  }

  begin(): Transaction {
    return new Transaction(this);
  }

  apply(changes: readonly Change[]): void {
    for (const change of changes) {
      const rows = this.rows[change.table] as Map<string, Tables[TableName]>;
      if (change.row === null) rows.delete(change.id);
      else rows.set(change.id, change.row);
    }
    this.dropOldEvents();
  }

  /** Changes that build this account anew. */
  snapshot(): Change[] {
    const names = Object.keys(this.rows) as TableName[];
    return names.flatMap((table) => [...this.rows[table]].map(([id, row]) => ({ table, id, row }) as Change));
  }

  private dropOldEvents(): void {
    for (const id of this.rows.events.keys()) {
      if (this.rows.events.size <= EVENTS_KEPT) return;
      this.rows.events.delete(id);
    }
  }
}

/** The writes of one call: seen by that call at once, by others when they are applied, and by nobody when it fails. */
export class Transaction {
  private readonly writes = new Map<string, Change>();

  constructor(private readonly account: Account) {}

  get<Name extends TableName>(table: Name, id: string): Tables[Name] | undefined {
    const write = this.writes.get(`${table}/${id}`);
    if (write !== undefined) return (write.row as Tables[Name] | null) ?? undefined;
    return this.account.table(table).get(id);
  }

  put<Name extends TableName>(table: Name, row: Tables[Name]): Tables[Name] {
    this.writes.set(`${table}/${row.id}`, { table, id: row.id, row } as unknown as Change);
    return row;
  }

  remove(table: TableName, id: string): void {
    this.writes.set(`${table}/${id}`, { table, id, row: null });
  }

  /** All rows, newest first, as every list of the API. */
  newestFirst<Name extends TableName>(table: Name): Tables[Name][] {
    const ids = new Set([...this.account.table(table).keys(), ...this.changes().flatMap((c) => (c.table === table ? [c.id] : []))]);
    return [...ids]
      .reverse()
      .map((id) => this.get(table, id))
      .filter((row) => row !== undefined);
  }

  changes(): Change[] {
    return [...this.writes.values()];
  }
}
