import type { AssembledLine } from '@tare/core';
import { BinaryArray } from '@tare/database';
import { lineDetailOf, storedScopeKey, type InvoiceOfLine } from './invoice.ts';

/** $1 the tenant, then the arrays of `LineColumns` in its order. */
export const INSERT_LINES = `
INSERT INTO invoice_line (tenant_id, id, invoice_id, position, scope_key, kind, description, price_key, price_group, plan_version_id, segment_id, quantity,
  exact_amount, amount, discount, period_start, period_end, adjusts, detail)
SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::int4[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::uuid[], $11::uuid[], $12::numeric[],
  $13::numeric[], $14::numeric[], $15::numeric[], $16::timestamptz[], $17::timestamptz[], $18::uuid[], $19::jsonb[])`;

/** The lines of a page as columns in binary, written one after the other: no array and no text of a column is made on the way. */
export class LineColumns {
  private readonly id: BinaryArray;
  private readonly invoiceId: BinaryArray;
  private readonly position: BinaryArray;
  private readonly scopeKey: BinaryArray;
  private readonly kind: BinaryArray;
  private readonly description: BinaryArray;
  private readonly priceKey: BinaryArray;
  private readonly group: BinaryArray;
  private readonly planVersionId: BinaryArray;
  private readonly segmentId: BinaryArray;
  private readonly quantity: BinaryArray;
  private readonly exactAmount: BinaryArray;
  private readonly amount: BinaryArray;
  private readonly discount: BinaryArray;
  private readonly periodStart: BinaryArray;
  private readonly periodEnd: BinaryArray;
  private readonly adjusts: BinaryArray;
  private readonly detail: BinaryArray;

  constructor(lines: number) {
    this.id = new BinaryArray('uuid', lines);
    this.invoiceId = new BinaryArray('uuid', lines);
    this.position = new BinaryArray('int4', lines);
    this.scopeKey = new BinaryArray('text', lines);
    this.kind = new BinaryArray('text', lines);
    this.description = new BinaryArray('text', lines);
    this.priceKey = new BinaryArray('text', lines);
    this.group = new BinaryArray('text', lines);
    this.planVersionId = new BinaryArray('uuid', lines);
    this.segmentId = new BinaryArray('uuid', lines);
    this.quantity = new BinaryArray('numeric', lines);
    this.exactAmount = new BinaryArray('numeric', lines);
    this.amount = new BinaryArray('numeric', lines);
    this.discount = new BinaryArray('numeric', lines);
    this.periodStart = new BinaryArray('timestamptz', lines);
    this.periodEnd = new BinaryArray('timestamptz', lines);
    this.adjusts = new BinaryArray('uuid', lines);
    this.detail = new BinaryArray('jsonb', lines);
  }

  /** The line at a position of the invoice with this id. */
  add(line: AssembledLine, position: number, invoice: { readonly id: string } & InvoiceOfLine): void {
    this.id.timeOrderedId();
    this.invoiceId.uuid(invoice.id);
    this.position.int4(position);
    this.scopeKey.text(storedScopeKey(line));
    this.kind.text(line.kind);
    this.description.text(line.description);
    if (line.priceKey === null) this.priceKey.null();
    else this.priceKey.text(line.priceKey);
    if (line.group === null) this.group.null();
    else this.group.text(line.group);
    this.planVersionId.uuid(line.planVersionId);
    this.segmentId.uuid(line.segmentId);
    this.quantity.numeric(line.quantity);
    this.exactAmount.numeric(line.exactAmount);
    this.amount.numeric(line.amount);
    this.discount.numeric(line.discount);
    this.periodStart.timestamptz(line.period.start);
    this.periodEnd.timestamptz(line.period.end);
    if (line.adjusts === null) this.adjusts.null();
    else this.adjusts.uuid(line.adjusts);
    this.detail.jsonb(lineDetailOf(line, invoice));
  }

  /** In the order of INSERT_LINES. */
  arrays(): Buffer[] {
    const columns = [
      ...[
        this.id,
        this.invoiceId,
        this.position,
        this.scopeKey,
        this.kind,
        this.description,
        this.priceKey,
        this.group,
        this.planVersionId,
      ],
      ...[
        this.segmentId,
        this.quantity,
        this.exactAmount,
        this.amount,
        this.discount,
        this.periodStart,
        this.periodEnd,
        this.adjusts,
        this.detail,
      ],
    ];
    return columns.map((column) => column.finish());
  }
}

/** Names what a line bills (`storedScopeKey`), in SQL. `l`: the line's alias. */
export const scopeKeySql = (l: string): string => `CASE WHEN ${l}.scope_key <> '' THEN ${l}.scope_key ELSE
  ${l}.kind || ':' || ${l}.segment_id || ':' || coalesce(${l}.price_key, '') || ':' || to_char(${l}.period_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.'
    || CASE WHEN date_trunc('milliseconds', ${l}.period_start) = ${l}.period_start THEN 'MS' ELSE 'US' END || '"Z"') || coalesce(':' || ${l}.price_group, '') END`;
